"""What is refused in a registry file, with file and line."""

import pytest

from zoo.registry.recipe import RECIPE_KEYS

# Keys


TOP = "version, plugins, datasets, presets, benchmark"
RECIPE = ", ".join(RECIPE_KEYS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("plugin: []\n", f":2: unknown key 'plugin' in registry file: allowed are {TOP}"),
        ("1: []\n", f":2: unknown key 1 in registry file: allowed are {TOP}"),
        ("null: []\n", f":2: unknown key None in registry file: allowed are {TOP}"),
        (
            "presets:\n  a/b:\n    recipe: {}\n    configuration: {}\n",
            ":5: unknown key 'configuration' in presets a/b: allowed are config, recipe, reference, weights",
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
        ("presets:\n  a/b: 3\n", ":3: presets 'a/b' is 3: expected a mapping with config, recipe, reference, weights"),
        ("presets:\n  a/b:\n", ":3: presets 'a/b' is nothing: expected a mapping with config, recipe, reference, weights"),
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
