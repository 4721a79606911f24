import random

import keras
import numpy as np
import pytest
from keras import layers
from support.dense_parts import SHAPE, TINY, build_decoder, build_encoder, make_images

import zoo
from zoo.factory.assemble import parameter_count
from zoo.registry import catalogue
from zoo.registry.yaml_file import builtin_path, read_registry_file

pytestmark = pytest.mark.usefixtures("clean_registry")

ARCHITECTURES = ["small_cnn", "deep_cnn", "residual"]


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (31, 17, 2), (2, 1, 3), (1, 1, 1)])
def test_built_in_architectures_take_any_size(name, shape):
    model = zoo.create_model(name, image_shape=shape, seed=0, **TINY)
    assert isinstance(model, zoo.AutoEncoder)
    images = make_images(2, *shape)
    mean, std = model.encoder(images)
    assert mean.shape == std.shape == (2, 3)
    assert (keras.ops.convert_to_numpy(std) > 0).all()
    assert model.decoder(mean).shape == (2, *shape[:2], 2 * shape[2])
    reconstruction = keras.ops.convert_to_numpy(model(images))
    assert reconstruction.shape == images.shape
    assert reconstruction.min() >= 0
    assert reconstruction.max() <= 1


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_built_in_architectures_can_be_trained(name):
    model = zoo.create_model(name, image_shape=(9, 7, 1), seed=0, **TINY)
    before = [weight.numpy().copy() for weight in model.encoder.trainable_weights]
    logs = model.train_step(make_images(4, 9, 7, 1))
    assert np.isfinite(float(logs["loss"]))
    after = [weight.numpy() for weight in model.encoder.trainable_weights]
    assert any((old != new).any() for old, new in zip(before, after, strict=True))


def test_a_presets_model_has_its_recipe():
    model = zoo.create_model("small_cnn/mnist-binary", filters=[4])
    assert model.image_shape == (28, 28, 1)
    assert (model.likelihood.identifier, model.binarization) == ("bernoulli", "dynamic")
    assert model.latent_shape == (16,)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)


def test_settings_of_a_preset_reach_the_compiled_model(monkeypatch, tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_text("""\
version: 1
plugins: [zoo.data, zoo.plugins.small_cnn]
presets:
  small_cnn/mnist:
    config: {filters: [4], latent_dim: 5}
    recipe: {optimizer: sgd, learning_rate: 0.25, kl_weight: {warm_up_steps: 10, end: 0.5}, free_bits: 0.125}
""")
    monkeypatch.setattr(catalogue, "builtin_path", lambda: path)
    zoo.refresh()
    model = zoo.create_model("small_cnn/mnist")
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert float(model.optimizer.learning_rate) == 0.25
    assert (model.latent_shape, len(model.encoder.layers)) == ((5,), 5)
    settings = model.get_compile_config()
    assert settings["free_bits"] == 0.125
    assert "'warm_up_steps': 10" in str(settings["kl_weight"])
    # What the caller gives goes before what the preset says, in either way of saying it.
    assert zoo.create_model("small_cnn/mnist", latent_dim=2).latent_shape == (2,)
    assert zoo.create_model("small_cnn/mnist", latent_shape=(2, 3)).latent_shape == (2, 3)


def test_another_likelihood_asks_for_its_own_channels():
    model = zoo.create_model("small_cnn", image_shape=(6, 6, 3), likelihood="bernoulli", **TINY)
    assert (model.likelihood.identifier, model.decoder.output_shape) == ("bernoulli", (None, 6, 6, 3))
    model = zoo.create_model("small_cnn/cifar10", likelihood="mse", **TINY)
    assert model.decoder.output_shape == (None, 32, 32, 3)


def test_the_model_tells_where_it_is_from(install):
    install("good-dist", {"good_plugin": "good"}, version="2.5")
    model = zoo.create_model("dense/blobs")
    origin = {"architecture": "dense", "plugin": "good_plugin", "distribution": "good-dist", "version": "2.5"}
    shapes = {"image_shape": [6, 5, 1], "latent_shape": [3], "output_shape": [6, 5, 1]}
    built = {**shapes, "encoder": {}, "decoder": {}}
    assert model.provenance == {"preset": "dense/blobs", "encoder": origin, "decoder": origin, "built": built}
    assert parameter_count(model) == (30 * 5 + 5) + (5 * 6 + 6) + (3 * 5 + 5) + (5 * 30 + 30)


def test_parameter_count_includes_what_is_not_trained():
    model = zoo.create_model("deep_cnn", image_shape=(4, 4, 1), **TINY)
    assert parameter_count(model) == model.encoder.count_params() + model.decoder.count_params()
    assert parameter_count(model) > sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


REFERENCES = [
    name
    for name, entry in read_registry_file(builtin_path()).presets.items()
    if "parameters" in entry.get("reference", {})
]


@pytest.mark.parametrize("name", REFERENCES)
def test_recorded_parameter_counts_are_true(name):
    assert parameter_count(zoo.create_model(name)) == zoo.get_model_info(name).reference["parameters"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_seed_decides_the_weights(name):
    first, same, other = (zoo.create_model(name, image_shape=SHAPE, seed=seed, **TINY) for seed in (1, 1, 2))
    assert (first.seed, other.seed) == (1, 2)
    for a, b in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(first.encoder.get_weights(), other.encoder.get_weights(), strict=True))
    assert any((a != b).any() for a, b in zip(first.decoder.get_weights(), other.decoder.get_weights(), strict=True))


def test_layers_of_one_shape_begin_with_different_weights(add):
    add()
    kernels = zoo.create_model("made", image_shape=(2, 1, 1), seed=1).get_weights()
    equal = [
        (i, j)
        for i, a in enumerate(kernels)
        for j, b in enumerate(kernels[:i])
        if a.shape == b.shape and a.any() and (a == b).all()
    ]
    assert equal == []


def test_the_seed_decides_the_draws(add):
    add()
    images = make_images(2, *SHAPE)
    losses = [
        float(zoo.create_model("made", image_shape=SHAPE, seed=seed).train_step(images)["loss"]) for seed in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_a_seed_leaves_pythons_own_draws_alone(add):
    add()
    random.seed(5)
    expected = random.random()
    random.seed(5)
    zoo.create_model("made", image_shape=SHAPE, seed=1)
    assert random.random() == expected


def test_without_a_seed_models_differ(add):
    add()
    first, second = (zoo.create_model("made", image_shape=SHAPE).encoder.get_weights()[0] for _ in range(2))
    assert (first != second).any()


def test_a_sequential_decoder_is_taken(add):
    def build(latent_shape, output_shape):
        return keras.Sequential(
            [keras.Input(latent_shape), layers.Dense(int(np.prod(output_shape))), layers.Reshape(output_shape)]
        )

    add(decoder=build)
    assert zoo.create_model("made", image_shape=SHAPE)(make_images(1, *SHAPE)).shape == (1, *SHAPE)


def test_build_encoder_and_decoder():
    small_cnn = zoo.models.small_cnn
    encoder = small_cnn.build_encoder((28, 28, 1), latent_shape=(16,), filters=[4, 8])
    decoder = small_cnn.build_decoder((16,), (28, 28, 1), filters=[4, 8])
    assert encoder.input_shape == (None, 28, 28, 1)
    assert [tuple(shape) for shape in encoder.output_shape] == [(None, 16), (None, 16)]
    assert decoder.input_shape == (None, 16)
    assert decoder.output_shape == (None, 28, 28, 1)
    model = zoo.AutoEncoder(encoder, decoder)
    model.compile(optimizer="adam", loss="bernoulli")
    assert np.isfinite(float(model.train_step(make_images(2, 28, 28, 1))["loss"]))


def test_the_halves_have_the_architectures_defaults():
    small_cnn = zoo.models.small_cnn
    filters = [layer.filters for layer in small_cnn.build_encoder((8, 8, 1)).layers if hasattr(layer, "filters")]
    assert filters == zoo.get_model_info("small_cnn").config["filters"]
    assert small_cnn.build_encoder((8, 8, 1)).output_shape[0] == (None, 16)
    assert small_cnn.build_encoder((8, 8, 1), 4, filters=[4]).output_shape[0] == (None, 4)
    assert small_cnn.build_encoder((8, 8, 1), latent_dim=4, filters=[4]).output_shape[0] == (None, 4)
    assert small_cnn.build_decoder(4, (8, 8, 1), filters=[4]).input_shape == (None, 4)


def test_a_registered_class_is_built():
    @zoo.register("my_ae", defaults={"latent_dim": 2, "units": 4})
    class MyAutoEncoder:
        def build_encoder(image_shape, latent_shape, units):  # noqa: N805
            return build_encoder(image_shape, latent_shape, units)

        @staticmethod
        def build_decoder(latent_shape, output_shape, units):
            return build_decoder(latent_shape, output_shape, units)

    model = zoo.create_model("my_ae/mnist", seed=0)
    assert (model.latent_shape, model.encoder.layers[2].units) == ((2,), 4)
    assert model.provenance["encoder"]["distribution"] is None
