"""Presets: what of the datasets', the registry's and the architectures' settings wins."""

import pytest

import zoo
from zoo.registry import catalogue
from zoo.registry.presets import make_preset, preset_names
from zoo.registry.yaml_file import read_registry_file


@pytest.fixture
def preset(write_registry, architecture):
    def make(content, name="cnn/toy", defaults=None, recipe=None):
        file = read_registry_file(write_registry(content))
        left, _, right = name.partition("/")
        dataset = zoo.DatasetSpec(right.partition("-")[0], "toy", (4, 4, 1), (), "m:load", recipe or {})
        settings = file.datasets.get(dataset.name, {})
        return make_preset(name, architecture(left, defaults=defaults or {}), dataset, settings, file.presets)

    return make


def test_later_says_win_dataset_plugin_then_file_then_pattern_then_exact_name(preset):
    layers = [
        "datasets: {toy: {recipe: {batch_size: 2, epochs: 2, free_bits: 2, learning_rate: 2}}}\n",
        "presets:\n  cnn/toy: {recipe: {learning_rate: 4}, config: {units: 4}}\n",
        "  '*/toy': {recipe: {free_bits: 3, learning_rate: 3}, config: {units: 3, depth: 3}}\n",
    ]
    found = preset("".join(layers), recipe={"epochs": 1, "batch_size": 1, "early_stopping": 1})
    recipe = found.recipe
    assert (recipe.early_stopping, recipe.batch_size, recipe.epochs) == (1, 2, 2)
    assert (recipe.free_bits, recipe.learning_rate) == (3, 4)
    assert found.config == {"units": 4, "depth": 3}


def test_a_variant_begins_with_its_preset_but_has_a_reference_of_its_own(preset):
    content = (
        "presets:\n"
        "  cnn/toy: {config: {units: 1, depth: 1}, recipe: {epochs: 7}, reference: {parameters: 1}}\n"
        "  cnn/toy-wide: {config: {units: 2}, reference: {parameters: 2}}\n"
    )
    variant = preset(content, "cnn/toy-wide")
    assert (variant.config, variant.recipe.epochs) == ({"units": 2, "depth": 1}, 7)
    assert variant.reference == {"parameters": 2}
    assert preset(content).reference == {"parameters": 1}
    assert preset("presets: {cnn/toy: {reference: {parameters: 1}}, '*/toy-b': {}}", "cnn/toy-b").reference == {}


def test_a_variant_may_give_the_latent_in_the_other_way(preset):
    content = "presets: {cnn/toy: {config: {latent_dim: 2}}, cnn/toy-map: {config: {latent_shape: [2, 2, 4]}}}\n"
    assert preset(content, "cnn/toy-map").config == {"latent_shape": [2, 2, 4]}


def test_a_presets_latent_replaces_the_default_in_its_description(clean_registry, monkeypatch, write_registry):
    path = write_registry(
        "plugins: [zoo.data, zoo.plugins.residual]\npresets: {residual/mnist: {config: {latent_shape: [3]}}}\n"
    )
    monkeypatch.setattr(catalogue, "builtin_path", lambda: path)
    config = zoo.get_model_info("residual/mnist").config
    assert (config["latent_shape"], "latent_dim" in config) == ([3], False)


def named(names, make):
    return {name: make(name) for name in names}


def toy(name, side=4):
    return zoo.DatasetSpec(name, "toy", (side, side, 1), (), "m:load")


def test_which_variants_there_are(architecture):
    patterns = ["cnn/toy-a", "*/toy-b", "res*/*-c", "*/other-d", "nobody/toy-e", "cnn/toy-*", "cnn/toy?-f"]
    architectures, datasets = named(["residual", "cnn"], architecture), named(["toy", "toy2"], toy)
    names = preset_names(architectures, datasets, {pattern: {} for pattern in patterns})
    assert names == [
        "cnn/toy", "cnn/toy-a", "cnn/toy-b", "cnn/toy2", "cnn/toy2-f",
        "residual/toy", "residual/toy-b", "residual/toy-c", "residual/toy2", "residual/toy2-c",
    ]  # fmt: skip


def test_datasets_of_other_images_have_no_preset(architecture):
    architectures = {"any": architecture("any"), "small": architecture("small", image_shapes=((4, 4, None),))}
    names = preset_names(architectures, {"toy": toy("toy"), "large": toy("large", 8)}, {"*/*-a": {}})
    assert names == ["any/large", "any/large-a", "any/toy", "any/toy-a", "small/toy", "small/toy-a"]


def test_a_preset_of_other_images_is_refused_with_the_shapes(clean_registry, add):
    add("small", image_shapes=((4, 4, None), (32, 32, 3)))
    assert zoo.list_models("small/*") == ["small/cifar10", "small/cifar10_sample"]
    for name in ("small/mnist", "small/mnist-binary"):
        with pytest.raises(
            ValueError, match=r"^architecture small is for images of 4 x 4 .* not of 28 x 28 x 1: resize"
        ):
            zoo.get_model_info(name)


def test_a_pattern_of_variants_applies_to_those_that_there_are(preset):
    content = "presets: {cnn/toy-a: {}, 'cnn/toy-*': {recipe: {epochs: 9}}}\n"
    assert preset(content, "cnn/toy-a").recipe.epochs == 9
    assert preset(content).recipe.epochs == 20


def test_a_patterns_number_of_latents_is_not_for_maps(preset):
    content = "presets: {'*/toy': {config: {latent_dim: 64, units: 3}}}\n"
    assert preset(content, defaults={"latent_dim": 2}).config == {"latent_dim": 64, "units": 3}
    assert preset(content, defaults={"latent_shape": (2, 2, 4)}).config == {"units": 3}
    exact = "presets: {cnn/toy: {config: {latent_dim: 64}}}\n"
    assert preset(exact, defaults={"latent_shape": (2, 2, 4)}).config == {"latent_dim": 64}
