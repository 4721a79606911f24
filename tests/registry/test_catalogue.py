import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.errors import UnknownNameError, ZooError

ARCHITECTURES = ["deep_cnn", "fsq_cnn", "ladder", "residual", "small_cnn", "vq_cnn"]
DATASETS = ["cifar10", "cifar10_sample", "mnist", "mnist_sample"]


pytestmark = pytest.mark.usefixtures("clean_registry")


def test_names_are_sorted_and_include_the_built_in_ones():
    names = zoo.list_models()
    assert names == sorted(names)
    assert set(ARCHITECTURES) <= set(names)
    assert zoo.list_datasets() == sorted(zoo.list_datasets())
    assert set(DATASETS) <= set(zoo.list_datasets())


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("res*", ["residual"]),
        ("*_cnn", ["deep_cnn", "fsq_cnn", "small_cnn", "vq_cnn"]),
        ("s????_cnn", ["small_cnn"]),
        ("[dr]e*", ["deep_cnn", "residual"]),
        ("residual", ["residual"]),
        ("RES*", []),
        ("", []),
        ("residual/mnist*", [f"residual/mnist{rest}" for rest in ("", "-binary", "_sample", "_sample-binary")]),
        ("*_cnn/cifar10", ["deep_cnn/cifar10", "fsq_cnn/cifar10", "small_cnn/cifar10", "vq_cnn/cifar10"]),
    ],
)
def test_patterns(pattern, names):
    assert zoo.list_models(pattern) == names


def test_a_pattern_without_a_slash_matches_whole_presets_if_they_are_asked_for():
    assert zoo.list_models("res*10", presets=True) == ["residual/cifar10"]
    assert zoo.list_models("residual", presets=True) == []


def test_every_pair_is_a_preset():
    presets = zoo.list_models(presets=True)
    pairs = {f"{architecture}/{dataset}" for architecture in zoo.list_models() for dataset in zoo.list_datasets()}
    assert pairs <= set(presets)
    assert {name for name in presets if name not in pairs and "-" not in name} == set()
    assert len(set(presets)) == len(presets)


def test_a_wildcard_variant_exists_for_every_architecture():
    assert [f"{name}/mnist-binary" for name in zoo.list_models()] == zoo.list_models("*/mnist-binary")


def test_the_default_benchmark_is_made_of_presets():
    from zoo.registry.catalogue import benchmark_presets

    assert benchmark_presets()
    assert set(benchmark_presets()) <= set(zoo.list_models(presets=True))


# Descriptions


def test_info_of_an_architecture():
    info = zoo.get_model_info("residual")
    assert (info.name, info.architecture, info.dataset, info.image_shape, info.recipe) == (
        ("residual", "residual", None, None, None)
    )
    assert info.config == {"latent_dim": 16, "filters": [32, 64, 96], "blocks": 1, "momentum": 0.95}
    assert info.source == "He et al. 2016, arXiv:1603.05027"
    assert info.plugin.name == "zoo.plugins.residual"


def test_info_of_a_preset():
    info = zoo.get_model_info("small_cnn/cifar10")
    assert (info.name, info.architecture, info.dataset, info.image_shape) == (
        ("small_cnn/cifar10", "small_cnn", "cifar10", (32, 32, 3))
    )
    assert info.config["filters"] == [32, 64]
    assert info.recipe["likelihood"] == "discretized_logistic"
    assert info.recipe["epochs"] == 20
    assert zoo.get_model_info("small_cnn/cifar10_sample").recipe["batch_size"] == 32


def test_a_variant_begins_with_the_recipe_of_its_dataset():
    plain = zoo.get_model_info("deep_cnn/mnist")
    variant = zoo.get_model_info("deep_cnn/mnist-binary")
    assert (variant.dataset, variant.config) == ("mnist", plain.config)
    changed = {key for key in plain.recipe if plain.recipe[key] != variant.recipe[key]}
    assert changed == {"likelihood", "binarization"}


@pytest.mark.parametrize("name", ["residual", "small_cnn/mnist", "small_cnn/mnist-binary"])
def test_info_is_plain_data_for_json(name):
    plain = zoo.get_model_info(name).to_dict()
    again = json.loads(json.dumps(plain))
    assert again["name"] == name
    assert again["config"]["latent_dim"] == 16
    assert again["plugin"]["status"] == "ok"


def test_functions_among_the_options_become_names_in_json(architecture):
    zoo.register(architecture(defaults={"latent_shape": halve, "units": 3}))
    config = json.loads(json.dumps(zoo.get_model_info("made").to_dict()))["config"]
    assert config == {"latent_shape": "halve", "units": 3}


def halve(image_shape):
    return (image_shape[0] // 2, image_shape[1] // 2, 8)


def test_changing_an_info_changes_nothing_else():
    zoo.get_model_info("residual").config["filters"].append(1)
    zoo.get_model_info("residual/mnist").config["filters"].append(1)
    assert zoo.get_model_info("residual").config["filters"] == [32, 64, 96]


# Unknown names


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("residul", "no architecture is called 'residul': did you mean 'residual'? List all with: zoo list"),
        ("resdual/mnist", "no architecture is called 'resdual': did you mean 'residual'? List all with: zoo list"),
        ("residual/mnits", "no preset is called 'residual/mnits': did you mean 'residual/mnist'"),
        ("residual/mnist-binray", "no preset is called 'residual/mnist-binray': did you mean 'residual/mnist-binary'"),
        ("residual/", "no preset is called 'residual/': did you mean"),
        ("residual/mnist/", "no preset is called 'residual/mnist/': did you mean 'residual/mnist'"),
        (
            "/mnist",
            "no architecture is called '': there are deep_cnn, fsq_cnn, ladder, residual, small_cnn, vq_cnn. List",
        ),
        (
            "qqqq",
            "no architecture is called 'qqqq': there are deep_cnn, fsq_cnn, ladder, residual, small_cnn, vq_cnn. List",
        ),
        ("", "no architecture is called '': there are deep_cnn"),
        ("Residual", "no architecture is called 'Residual': did you mean 'residual'?"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(UnknownNameError) as caught:
        zoo.get_model_info(name)
    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, LookupError)
    assert isinstance(caught.value, ZooError)
    assert "failed to load" not in str(caught.value)


def test_an_unknown_preset_tells_how_to_list_presets():
    with pytest.raises(UnknownNameError, match=r"List all with: zoo list --presets$"):
        zoo.get_model_info("residual/mnits")


@pytest.mark.parametrize("name", [None, 5, ["residual"]])
def test_a_name_that_is_no_text(name):
    with pytest.raises(TypeError, match=r"name is .*: expected text"):
        zoo.get_model_info(name)


# Import


def test_listing_imports_nothing_heavy():
    code = """if True:
        import sys, zoo
        zoo.list_models(), zoo.list_models("*", presets=True), zoo.list_datasets(), zoo.list_plugins()
        zoo.get_model_info("residual").to_dict(), zoo.get_model_info("small_cnn/mnist-binary").to_dict()
        from zoo.models import residual
        dir(zoo), dir(zoo.models), zoo.register(zoo.Architecture("own", "", "m:f", "m:f")), zoo.refresh()
        heavy = {"keras", "tensorflow", "jax", "torch", "matplotlib", "numpy", "scipy", "skimage", "PIL", "rich"}
        print(sorted(heavy & set(sys.modules)))
    """
    root = Path(zoo.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_attributes_of_the_package():
    assert not hasattr(zoo, "no_such_thing")
    with pytest.raises(AttributeError, match="No zoo attribute no_such_thing"):
        _ = zoo.no_such_thing  # type: ignore[attr-defined]
    assert set(zoo.__all__) <= set(dir(zoo))
    assert all(getattr(zoo, name) is not None for name in zoo.__all__)


def test_the_plugins_folder_is_refused_under_another_name(monkeypatch):
    root = Path(zoo.__file__).parents[1]
    if not (root / "plugins").is_dir():
        pytest.skip("an installed package has no folder plugins beside zoo")
    monkeypatch.syspath_prepend(root)
    monkeypatch.delitem(sys.modules, "plugins", raising=False)
    with pytest.raises(ImportError, match=r"this folder is the package zoo\.plugins, not plugins: import zoo\.plugins"):
        importlib.import_module("plugins")
