"""Models that the registry knows: their network is built from their name and options, whatever graph the file has."""

import keras
import numpy as np
import pytest
from support.keras_files import IMAGES, SHAPE, edit_config, first_layer, make_saved

import zoo


@pytest.fixture
def layers_from_files(monkeypatch):
    """Return a list of the names of the Keras layers that are made from a configuration."""
    made = []
    plain = keras.layers.Conv2D.from_config.__func__

    def recorded(cls, config):
        made.append(config["name"])
        return plain(cls, config)

    monkeypatch.setattr(keras.layers.Conv2D, "from_config", classmethod(recorded))
    return made


def predictions(model):
    return model.predict(IMAGES, verbose=0)


SMALL = {
    "small_cnn": {"filters": [4]},
    "deep_cnn": {"filters": [4]},
    "residual": {"filters": [4]},
    "vq_cnn": {"width": 4},
    "fsq_cnn": {"width": 4},
    "ladder": {"widths": [4], "blocks": 1, "groups": [1], "latents": [2]},
}


@pytest.mark.parametrize(("name", "options"), SMALL.items())
def test_the_graph_in_the_file_is_not_executed(name, options, tmp_path, layers_from_files):
    model = zoo.create_model(name, image_shape=(8, 8, 1), seed=0, **options)
    images = np.random.default_rng(0).random((8, 8, 8, 1), "float32")
    model.fit(images, batch_size=4, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = zoo.load_model(tmp_path / "model.keras")
    assert layers_from_files == []
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), model.predict(images, verbose=0))
    for part in ("encoder", "decoder"):
        before, after = getattr(model, part), getattr(loaded, part)
        assert after.get_config() == before.get_config()  # Names too.
        assert [it.path for it in after.weights] == [it.path for it in before.weights]
        assert [it.name for it in after.inputs] == [it.name for it in before.inputs]
        assert after.output_names == before.output_names
    for ours, theirs in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_options_of_one_part_alone(tmp_path, layers_from_files):
    model = zoo.create_model(
        encoder="small_cnn", decoder="deep_cnn", image_shape=SHAPE, latent_dim=3,
        encoder_config={"filters": (4,)}, decoder_config={"filters": [8, 4]},
    )  # fmt: skip
    model.save(tmp_path / "model.keras")
    loaded = zoo.load_model(tmp_path / "model.keras")
    assert layers_from_files == []
    np.testing.assert_array_equal(predictions(loaded), predictions(model))


def set_activation(config):
    first_layer(config)["config"]["activation"] = "tanh"


def test_a_network_that_is_another_is_the_one_in_the_file(tmp_path, layers_from_files):
    _, file = make_saved(tmp_path)
    edited = zoo.load_model(edit_config(file, tmp_path / "edited.keras", set_activation))
    assert layers_from_files
    assert edited.encoder.layers[1].activation is keras.activations.tanh


def test_an_architecture_that_has_changed_since(tmp_path, monkeypatch, clean_registry, layers_from_files):
    (tmp_path / "grow_plugin.py").write_text(GROWING)
    monkeypatch.syspath_prepend(tmp_path)
    import grow_plugin

    zoo.register(zoo.Architecture("growing", "", grow_plugin.build_encoder, grow_plugin.build_decoder))
    model, file = make_saved(tmp_path, "growing", latent_dim=2)
    loaded = zoo.load_model(file)
    assert layers_from_files == []
    assert loaded.encoder.get_config() == model.encoder.get_config()  # With the names of operations.
    grow_plugin.WIDTH = 5
    np.testing.assert_array_equal(predictions(zoo.load_model(file)), predictions(model))
    assert layers_from_files


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": {"filters": [4], "blocks": 10**9}},
        {"encoder": {"filters": [4] * 60_000}},
        {"encoder": {"filters": [10**12]}},
        {"encoder": {"filters": "text"}},
        {"encoder": None},
        {"image_shape": [10**6, 10**6, 1]},
        {"image_shape": "text"},
        {"latent_shape": [10**12]},
        {"output_shape": [6, 5, 10**9]},
    ],
)
def test_options_of_something_else_are_not_followed(change, tmp_path):
    model, file = make_saved(tmp_path)

    def edit(config):
        config["config"]["provenance"]["built"] |= change

    loaded = zoo.load_model(edit_config(file, tmp_path / "edited.keras", edit))
    np.testing.assert_array_equal(predictions(loaded), predictions(model))


@pytest.mark.parametrize("built", [None, [], "text", 3, {}, {"encoder": {}, "decoder": {}}])
def test_no_options(built, tmp_path):
    model, file = make_saved(tmp_path)

    def edit(config):
        config["config"]["provenance"]["built"] = built

    loaded = zoo.load_model(edit_config(file, tmp_path / "edited.keras", edit))
    np.testing.assert_array_equal(predictions(loaded), predictions(model))


def test_nothing_waits_to_be_allocated(tmp_path):
    """What was only sketched must not get values when Keras next leaves a scope without state."""
    import psutil

    _, file = make_saved(tmp_path)

    def edit(config):
        first_layer(config)["config"]["filters"] = 50_000_000

    with pytest.raises(zoo.errors.ModelLoadError):
        zoo.load_model(edit_config(file, tmp_path / "edited.keras", edit))
    before = psutil.Process().memory_info().rss
    with keras.StatelessScope():
        pass
    assert psutil.Process().memory_info().rss - before < 500_000_000


GROWING = """
import math

from keras import Input, Model, layers

from zoo.layers import GaussianHead

WIDTH = 4


def build_encoder(image_shape, latent_shape=(2,)):
    images = Input(image_shape)
    return Model(images, GaussianHead(latent_shape)(layers.Flatten()(2.0 * layers.Conv2D(WIDTH, 3)(images))))


def build_decoder(latent_shape, output_shape):
    z = Input(latent_shape)
    return Model(z, layers.Reshape(output_shape)(layers.Dense(math.prod(output_shape))(z)))
"""
