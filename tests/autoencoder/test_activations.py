"""Memory that a pass takes, told from shapes before it is begun."""

import keras
import numpy as np
import pytest
from support.small_models import IMAGES, SHAPE, make_model, make_parts

import zoo
from zoo.autoencoder.checks import activations
from zoo.autoencoder.checks.activations import bytes_per_image, largest_batch


def blown_up(times):
    """A model whose encoder makes images larger, twice."""
    _, decoder = make_parts()
    images = keras.Input(SHAPE)
    x = keras.layers.UpSampling2D(times, name="first")(images)
    x = keras.layers.UpSampling2D(times, name="second")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return zoo.AutoEncoder(keras.Model(images, zoo.layers.GaussianHead(decoder.input_shape[1:])(x)), decoder, seed=0)


def test_the_largest_call_is_found():
    values = np.prod(SHAPE)
    size, where = bytes_per_image(blown_up(10).encoder)
    assert where == "second"
    assert size >= 4 * (values * 100 + values * 10_000)
    inner = blown_up(10).encoder
    outer = keras.Sequential([keras.Input(SHAPE), inner])
    assert bytes_per_image(outer) == (size, "second")


def test_what_cannot_fit_is_refused_in_a_sentence():
    model = blown_up(3000)
    for use in (model.reconstruct, model.encode, lambda images: zoo.evaluate(model, images)):
        with pytest.raises(
            ValueError, match=r"the layer 'second' needs about .* GiB of memory for one image, and .* free"
        ):
            use(IMAGES)


def test_batches_are_smaller_where_memory_is_short(monkeypatch):
    model = make_model()
    expected = model.reconstruct(IMAGES), zoo.evaluate(model, IMAGES, importance_samples=3)
    size = max(bytes_per_image(part)[0] for part in (model.encoder, model.decoder))
    monkeypatch.setattr(activations, "SMALL", 0)
    monkeypatch.setattr(activations, "free_memory", lambda: 2 * 5 * size)
    assert largest_batch(model, 128) == 5
    assert largest_batch(model, 3) == 3
    np.testing.assert_allclose(model.reconstruct(IMAGES), expected[0], atol=1e-6)
    assert zoo.evaluate(model, IMAGES)["mse"] == pytest.approx(expected[1]["mse"])
    monkeypatch.setattr(activations, "free_memory", lambda: size)
    with pytest.raises(ValueError, match="use a model with smaller layers"):
        largest_batch(model, 128)


def test_more_images_than_fit_are_not_drawn():
    model = make_model()
    with pytest.raises(ValueError, match=r"n is 1,000,000,000,000: the images need .* GiB of memory"):
        model.sample(10**12)
    with pytest.raises(ValueError, match=r"steps is 100,000,000,000: the images need .*: ask for fewer at a time"):
        model.interpolate(IMAGES[0], IMAGES[1], steps=10**11)
