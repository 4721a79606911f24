import json
import os
import re

import pytest

import zoo
from zoo.errors import RegistryFileError
from zoo.registry.yaml_file import builtin_path, read_registry_file

TOP = "version, plugins, datasets, presets, benchmark"


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
    refused = refusal("benchmark: !!python/object:zoo.registry.specs.Architecture {}\n")
    assert refused.startswith(":2: not valid YAML: could not determine a constructor for the tag")


@pytest.mark.parametrize("nested", ["- " * 10_000 + "x", "[" * 500 + "]" * 500, "{a: " * 10_000 + "1" + "}" * 10_000])
def test_deep_nesting(refusal, nested):
    assert refusal(f"plugins:\n  {nested}\n") == ": nested too deeply for a registry file"


@pytest.mark.parametrize("value", ["2024-99-99", "!!int none", "!!float none", "1" * 5000, "0b_"])
def test_values_that_pyyaml_chokes_on(refusal, value):
    assert re.match(r":3: .*(2024-99-99|none|1{20}|0b_).*: ", refusal(f"plugins:\n  - {value}\n"))


def test_recursive_and_merged_mappings(refusal):
    assert refusal("plugins: &all [*all]\n").startswith(":2: not valid YAML: found unconstructable recursive node")
    assert refusal("presets: {<<: {a/b: {}}}\n").startswith(":2: not valid YAML: could not determine a constructor")
