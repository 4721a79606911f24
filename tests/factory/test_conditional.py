"""How labels reach what a builder makes, and which models can be conditional."""

import keras
import numpy as np
import pytest
from keras import layers
from support.dense_parts import SHAPE, TINY, make_images
from support.dense_parts import build_decoder as plain_decoder
from support.dense_parts import build_encoder as plain_encoder

import zoo
from zoo.errors import ArchitectureError
from zoo.saving.keras_file import read_config
from zoo.saving.rebuild import find_known

LABELS = np.arange(3)


@pytest.mark.parametrize("name", ["small_cnn", "residual"])
def test_own_architectures_can_be_conditional(name, tmp_path):
    model = zoo.create_model(name, image_shape=(9, 7, 2), conditional=True, classes=3, seed=0, **TINY)
    assert type(model) is zoo.ConditionalAutoEncoder
    assert (model.image_shape, model.latent_shape, model.classes) == ((9, 7, 2), (3,), 3)
    model.fit((make_images(6, 9, 7, 2), [0, 1, 2, 0, 1, 2]), epochs=2, verbose=0)
    image = np.repeat(make_images(1, 9, 7, 2), 3, axis=0)
    for found in (*model.encode(image, labels=LABELS), model.decode(np.zeros((3, 3)), labels=LABELS)):
        assert len(np.unique(found, axis=0)) == 3
    model.save(tmp_path / "model.keras")
    assert find_known(read_config(tmp_path / "model.keras")[0]) is not None  # From the registry, not the file.
    again = zoo.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.reconstruct(image, LABELS), model.reconstruct(image, LABELS))


def test_builders_that_name_no_labels_are_called_for_one_more_channel(add):
    taken = []

    def build_encoder(image_shape, latent_shape):
        taken.append((image_shape, latent_shape))
        return plain_encoder(image_shape, latent_shape)

    def build_decoder(latent_shape, output_shape):
        taken.append((latent_shape, output_shape))
        return plain_decoder(latent_shape, output_shape)

    add(encoder=build_encoder, decoder=build_decoder, defaults={"latent_shape": (3, 2, 4)})
    model = zoo.create_model("made", image_shape=SHAPE, likelihood="bernoulli", conditional=True, classes=3)
    assert taken == [((6, 5, 2), (3, 2, 4)), ((3, 2, 5), SHAPE)]
    assert [tuple(it.shape) for it in model.encoder.inputs] == [(None, *SHAPE), (None,)]
    taken.clear()
    zoo.create_model("made", image_shape=SHAPE, likelihood="bernoulli", latent_shape=(3,), conditional=True, classes=3)
    assert taken == [((6, 5, 2), (3,)), ((19,), SHAPE)]


def build_encoder(image_shape, latent_shape, labels=None):
    images = keras.Input(image_shape)
    features = layers.Dense(2)(layers.Flatten()(images))
    if labels is None:
        return keras.Model(images, zoo.layers.GaussianHead(latent_shape)(features))
    return keras.Model(
        [images, labels], zoo.layers.GaussianHead(latent_shape)(layers.Concatenate()([features, labels]))
    )


def test_builders_that_name_labels_are_given_vectors(add):
    add(encoder=build_encoder)
    plain = zoo.create_model("made", image_shape=SHAPE, seed=0)
    model = zoo.create_model("made", image_shape=SHAPE, conditional=True, classes=3, seed=0)
    inner = model.encoder.layers[-1]
    assert [tuple(it.shape) for it in inner.inputs] == [(None, *SHAPE), (None, 16)]
    assert plain.encoder.count_params() == 30 * 2 + 2 + 2 * 6 + 6
    assert len(np.unique(model.encode(make_images(1, *SHAPE).repeat(3, 0), labels=LABELS)[0], axis=0)) == 3
    with pytest.raises(TypeError, match="unknown option 'labels'"):
        zoo.create_model("made", image_shape=SHAPE, labels=3)


def test_an_option_called_labels_stays_one(add):
    def build_encoder(image_shape, latent_shape, labels=1):
        return plain_encoder(image_shape, latent_shape, units=labels)

    add(encoder=build_encoder, defaults={"latent_dim": 3, "labels": 5})
    model = zoo.create_model("made", image_shape=SHAPE, conditional=True, classes=3)
    assert model.encoder.layers[-1].weights[0].shape == (60, 5)


def test_a_builder_that_leaves_labels_out_is_told_how(add):
    add(encoder=lambda image_shape, latent_shape, labels=None: plain_encoder(image_shape, latent_shape))
    with pytest.raises(
        ArchitectureError, match=r"takes 1 inputs: expected images and labels.*keras.Model\(\[images, lab"
    ):
        zoo.create_model("made", image_shape=SHAPE, conditional=True, classes=3)


@pytest.mark.parametrize("name", ["vq_cnn", "fsq_cnn", "ladder"])
def test_other_kinds_of_latent_are_refused(name):
    with pytest.raises(ValueError, match=f"conditional is true, and {name} makes a .*, which takes no labels"):
        zoo.create_model(f"{name}/mnist", conditional=True)
    with pytest.raises(ValueError, match="takes no labels"):
        zoo.train(f"{name}/mnist_sample", conditional=True)


@pytest.mark.usefixtures("clean_registry")
def test_a_preset_may_be_conditional(write_registry, monkeypatch):
    path = write_registry("presets:\n  small_cnn/mnist-given: {config: {filters: [4]}, recipe: {conditional: true}}\n")
    monkeypatch.setenv("ZOO_REGISTRY", str(path))
    zoo.refresh()
    assert zoo.get_model_info("small_cnn/mnist-given").recipe["conditional"] is True
    model = zoo.create_model("small_cnn/mnist-given")
    assert model.classes == 10
    assert "10 classes" in model._repr_html_()
    assert not zoo.create_model("small_cnn/mnist-given", conditional=False).takes_labels
    assert zoo.create_model("small_cnn/mnist", conditional=True, classes=12, filters=[4]).classes == 12


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"conditional": True}, "needs classes=, their number, or a preset"),
        ({"classes": 3}, "classes= is given, and the model is not conditional"),
        ({"conditional": True, "classes": 1}, "classes is 1: expected a whole number of at least 2"),
        ({"conditional": 1, "classes": 3}, "conditional is 1: expected true or false"),
    ],
)
def test_wrong_arguments(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        zoo.create_model("small_cnn", image_shape=SHAPE, **given)


def test_images_without_classes(tmp_path):
    with pytest.raises(ValueError, match=r"conditional is true, and array has fewer than two classes \(1\): expected"):
        zoo.train("small_cnn", data=make_images(20, *SHAPE), conditional=True, out=tmp_path)
