import json
import os
import re

import pytest

import zoo
from zoo.errors import RegistryFileError
from zoo.recipe import RECIPE_KEYS
from zoo.registry_file import builtin_path, read_registry_file

TOP = "version, plugins, datasets, presets, benchmark"
RECIPE = ", ".join(RECIPE_KEYS)


@pytest.fixture
def refusal(write_registry):
    """Give what is said of a registry file, without its path: ``:LINE: ...`` or ``: ...``."""

    def refuse(content):
        path = write_registry(content)
        with pytest.raises(RegistryFileError) as caught:
            read_registry_file(path)
        message = str(caught.value)
        assert message.startswith(f"{path}:")
        assert "\n" not in message
        return message[len(str(path)) :]

    return refuse


def test_the_built_in_file():
    file = read_registry_file(builtin_path())
    assert file.path == builtin_path()
    assert file.plugins[0] == "zoo.data"
    assert {"zoo.plugins.small_cnn", "zoo.plugins.deep_cnn", "zoo.plugins.residual", "zoo.plugins.vq_cnn"} < set(
        file.plugins
    )
    assert file.datasets["mnist"]["epochs"] == 20
    assert file.presets["*/mnist-binary"]["recipe"]["binarization"] == "dynamic"
    assert file.benchmark


def test_the_built_in_file_names_only_what_there_is(clean_registry):
    file = read_registry_file(builtin_path())
    assert set(file.datasets) <= set(zoo.list_datasets())
    assert {name for name in file.presets if "*" not in name} <= set(zoo.list_models(presets=True))


def test_all_sections(write_registry):
    path = write_registry(
        """\
plugins: [one.plugin, another]
datasets:
  mnist: {recipe: {learning_rate: 1.0e-3, kl_weight: {warm_up_steps: 10}}}
  cifar10: {}
presets:
  cnn/mnist:
    config: {filters: [1, 2], head: {units: 3, more: [{deep: 1}]}}
    reference: {parameters: 12, scores: {mse: 0.5}}
benchmark: [cnn/mnist]
"""
    )
    file = read_registry_file(str(path))
    assert file.path == path
    assert file.plugins == ("one.plugin", "another")
    assert file.datasets == {"mnist": {"learning_rate": 0.001, "kl_weight": {"warm_up_steps": 10}}, "cifar10": {}}
    assert file.presets["cnn/mnist"]["config"] == {"filters": [1, 2], "head": {"units": 3, "more": [{"deep": 1}]}}
    assert file.benchmark == ("cnn/mnist",)
    for found in (
        file.datasets["mnist"]["kl_weight"],
        file.presets["cnn/mnist"]["config"]["head"],
        file.presets["cnn/mnist"]["config"]["head"]["more"][0],
        file.presets["cnn/mnist"]["reference"]["scores"],
    ):
        assert type(found) is dict
        assert json.dumps(found)


@pytest.mark.parametrize("content", ["", "plugins:\ndatasets:\npresets:\nbenchmark:\n", "# nothing\n", "plugins: []\n"])
def test_empty_sections(write_registry, content):
    file = read_registry_file(write_registry(content))
    assert (file.plugins, file.datasets, file.presets, file.benchmark) == ((), {}, {}, ())


def test_a_byte_order_mark_is_taken(write_registry):
    assert read_registry_file(write_registry(b"\xef\xbb\xbfversion: 1\n")).plugins == ()


# Files that are no registry file


def test_a_missing_file(tmp_path):
    with pytest.raises(RegistryFileError) as caught:
        read_registry_file(tmp_path / "none.yaml")
    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"


@pytest.mark.skipif(os.name == "nt", reason="other words on Windows")
def test_a_folder(tmp_path):
    with pytest.raises(RegistryFileError, match=r": cannot be read: Is a directory$"):
        read_registry_file(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version: 1 # caf\xe9\n", ": not UTF-8 text (byte 16)"),
        (b"", f": holds nothing: expected a mapping with {TOP}"),
        (b"# only a comment\n", f": holds nothing: expected a mapping with {TOP}"),
        (b"- version: 1\n", f": holds a list: expected a mapping with {TOP}"),
        (b"version 1\n", f": holds text: expected a mapping with {TOP}"),
        (b"3\n", f": holds 3: expected a mapping with {TOP}"),
        (b"plugins: []\n", ":1: version is None: expected version: 1"),
        (b"\nversion: 2\n", ":2: version is 2: expected version: 1"),
        (b"version: '1'\n", ":1: version is '1': expected version: 1"),
        (b"version: 1.0\n", ":1: version is 1.0: expected version: 1"),
        (b"version: true\n", ":1: version is True: expected version: 1"),
        (b"version: 1\n---\nversion: 1\n", ":2: not valid YAML: but found another document"),
        (b"version: 1\nplugins: [a\n", ":3: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        (b"version: 1\n\tplugins: []\n", ":2: not valid YAML: found character '\\t' that cannot start any token"),
        (b"version: 1\nplugins: *none\n", ":2: not valid YAML: found undefined alias"),
        (b"version: 1 \x00\n", ": not valid YAML: unacceptable character"),
    ],
)
def test_no_registry_file(refusal, content, message):
    assert refusal(content).startswith(message)


def test_no_code_runs(refusal, tmp_path):
    target = tmp_path / "ran"
    content = f"presets:\n  a/b:\n    config: !!python/object/apply:os.mkdir ['{target}']\n"
    assert refusal(content).startswith(":4: not valid YAML: could not determine a constructor for the tag")
    assert not target.exists()
    refused = refusal("benchmark: !!python/object:zoo.specs.Architecture {}\n")
    assert refused.startswith(":2: not valid YAML: could not determine a constructor for the tag")


@pytest.mark.parametrize("nested", ["- " * 10_000 + "x", "[" * 500 + "]" * 500, "{a: " * 10_000 + "1" + "}" * 10_000])
def test_deep_nesting(refusal, nested):
    assert refusal(f"plugins:\n  {nested}\n") == ": nested too deep for a registry file"


@pytest.mark.parametrize("value", ["2024-99-99", "!!int none", "!!float none", "1" * 5000, "0b_"])
def test_values_that_pyyaml_chokes_on(refusal, value):
    assert re.match(r":3: .*(2024-99-99|none|1{20}|0b_).*: ", refusal(f"plugins:\n  - {value}\n"))


def test_recursive_and_merged_mappings(refusal):
    assert refusal("plugins: &all [*all]\n").startswith(":2: not valid YAML: found unconstructable recursive node")
    assert refusal("presets: {<<: {a/b: {}}}\n").startswith(":2: not valid YAML: could not determine a constructor")


# Keys


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("plugin: []\n", f":2: unknown key 'plugin' in registry file: allowed are {TOP}"),
        ("1: []\n", f":2: unknown key 1 in registry file: allowed are {TOP}"),
        ("null: []\n", f":2: unknown key None in registry file: allowed are {TOP}"),
        (
            "presets:\n  a/b:\n    recipe: {}\n    configuration: {}\n",
            ":5: unknown key 'configuration' in presets a/b: allowed are config, recipe, reference",
        ),
        (
            "datasets:\n  mnist:\n    epochs: 3\n",
            ":4: unknown key 'epochs' in datasets mnist: allowed are recipe",
        ),
        (
            "presets:\n  a/b:\n    recipe:\n      lr: 0.1\n",
            f":5: unknown key 'lr' in recipe: allowed are {RECIPE}",
        ),
        (
            "datasets:\n  mnist: {recipe: {epochs: 3,\n    lr: 0.1}}\n",
            f":4: unknown key 'lr' in recipe: allowed are {RECIPE}",
        ),
        ("? [a, b]\n: 1\n", ":2: a key is a sequence: expected text"),
        ("presets:\n  ? {a: b}\n  : {}\n", ":3: a key is a mapping: expected text"),
    ],
)
def test_unknown_keys(refusal, content, message):
    assert refusal(content) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("version: 1\n", ":2: duplicate key 'version' (first on line 1): keep one"),
        ("presets:\n  a/b: {}\n  c/d: {}\n  a/b: {}\n", ":5: duplicate key 'a/b' (first on line 3): keep one"),
        (
            "presets:\n  a/b:\n    config: {filters: 1,\n      filters: 2}\n",
            ":5: duplicate key 'filters' (first on line 4): keep one",
        ),
        (
            "presets:\n  a/b:\n    config:\n      x: [{y: 1,\n        'y': 2}]\n",
            ":6: duplicate key 'y' (first on line 5): keep one",
        ),
    ],
)
def test_duplicate_keys(refusal, content, message):
    assert refusal(content) == message


# Kinds of values


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("plugins: zoo.data\n", ":2: plugins is text: expected a list of names"),
        ("plugins: {zoo.data: 1}\n", ":2: plugins is a mapping: expected a list of names"),
        ("plugins: {}\n", ":2: plugins is a mapping: expected a list of names"),
        ("plugins: false\n", ":2: plugins is False: expected a list of names"),
        ("plugins: ''\n", ":2: plugins is text: expected a list of names"),
        ("\nbenchmark:\n  - a/b\n  - 3\n", ":3: benchmark has 3: expected a list of names"),
        ("benchmark: [[a/b]]\n", ":2: benchmark has a list: expected a list of names"),
        ("benchmark: [~]\n", ":2: benchmark has nothing: expected a list of names"),
        ("presets: [a/b]\n", ":2: presets is a list: expected a mapping of names"),
        ("datasets: mnist\n", ":2: datasets is text: expected a mapping of names"),
        ("presets:\n  a/b: 3\n", ":3: presets 'a/b' is 3: expected a mapping with config, recipe, reference"),
        ("presets:\n  a/b:\n", ":3: presets 'a/b' is nothing: expected a mapping with config, recipe, reference"),
        ("datasets:\n  mnist: []\n", ":3: datasets 'mnist' is a list: expected a mapping with recipe"),
        ("datasets:\n  no: {recipe: {}}\n", ":3: datasets has the key False: expected a name (quote it)"),
        ("presets:\n  1: {}\n", ":3: presets has the key 1: expected a name (quote it)"),
        ("presets:\n  a/b:\n    config: [1]\n", ":4: config is a list: expected a mapping"),
        ("presets:\n  a/b:\n    config:\n", ":4: config is nothing: expected a mapping"),
        ("presets:\n  a/b:\n    reference: 3\n", ":4: reference is 3: expected a mapping"),
        ("presets:\n  a/b:\n    config: {1: 2}\n", ":4: config has the key 1: expected a name (quote it)"),
        ("presets:\n  a/b:\n    recipe: text\n", ":4: recipe is text: expected a mapping"),
        ("datasets:\n  mnist:\n    recipe: 5\n", ":4: recipe is 5: expected a mapping"),
        *(
            (f"presets:\n  {name}: {{}}\n", f":3: preset '{name}': expected architecture/dataset[-variant]")
            for name in ("small_cnn", "a/b/c", "/mnist", "small_cnn/", "/")
        ),
    ],
)
def test_kinds(refusal, content, message):
    assert refusal(content) == message


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "learning_rate: 1e-3",
            "learning_rate is '1e-3': expected a number above 0 (YAML reads 1e-3 as text: write 0.001 or 1.0e-3)",
        ),
        (
            "kl_weight: 1e-3",
            "kl_weight is '1e-3': expected a number at least 0 (YAML reads 1e-3 as text: write 0.001 or 1.0e-3)",
        ),
        ("epochs: 0", "epochs is 0: expected a whole number of at least 1"),
        ("batch_size: [64]", "batch_size is [64]: expected a whole number of at least 1"),
        ("binarization: no", "binarization is False: expected one of none, threshold, dynamic"),
        ("optimizer:", "optimizer is None: expected a name"),
        ("kl_weight: {warm_up_steps: 0}", "kl_weight: warm_up_steps is 0: expected a whole number of at least 1"),
    ],
)
def test_recipe_values(refusal, setting, message):
    assert refusal(f"presets:\n  a/b:\n    recipe:\n      epochs_: 1\n      {setting}\n".replace("epochs_: 1", "")) == (
        f":6: {message}"
    )
    assert refusal(f"datasets:\n  mnist:\n    recipe:\n      {setting}\n") == f":5: {message}"


# What overrides do to presets
