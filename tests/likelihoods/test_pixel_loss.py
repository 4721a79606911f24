"""A plain Keras loss in a likelihood's place."""

import functools

import keras
import numpy as np
import pytest
from keras import ops
from scipy import special
from support import likelihood_reference as reference

from zoo import likelihoods


def name_of(item):
    """Return a test's id: no address of an object, which differs between processes."""
    return item if isinstance(item, str) else getattr(item, "name", None) or item.__name__


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.BinaryCrossentropy(from_logits=True),
        keras.losses.BinaryFocalCrossentropy(from_logits=True),
        functools.partial(keras.losses.binary_crossentropy, from_logits=True),
    ],
    ids=["BinaryCrossentropy", "BinaryFocalCrossentropy", "partial"],
)
def test_losses_of_logits_are_refused(loss):
    with pytest.raises(ValueError, match="from_logits=True: expected a loss of values"):
        likelihoods.get(loss)


def squared_error_of_the_batch(images, means):
    return ops.mean(ops.square(images - means))


@pytest.mark.parametrize(
    "loss",
    [keras.losses.CosineSimilarity(), keras.losses.CategoricalCrossentropy(), keras.losses.Dice(),
     keras.losses.KLDivergence(), keras.losses.Circle(), "sparse_categorical_crossentropy", "ctc",
     squared_error_of_the_batch],
    ids=name_of,
)  # fmt: skip
def test_losses_that_do_not_compare_value_by_value_are_refused(loss):
    with pytest.raises(ValueError, match="does not compare values elementwise"):
        likelihoods.get(loss)


def squared_error_of_pixels(images, means):
    return ops.mean(ops.square(images - means), axis=-1)


def huber(x, p, delta=0.2):
    return np.where(abs(x - p) < delta, (x - p) ** 2 / 2, delta * abs(x - p) - delta**2 / 2)


@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        ("mse", lambda x, p: (x - p) ** 2),
        (keras.losses.MeanSquaredError(reduction="sum"), lambda x, p: (x - p) ** 2),
        (squared_error_of_pixels, lambda x, p: (x - p) ** 2),
        ("mae", lambda x, p: np.abs(x - p)),
        (keras.losses.Huber(delta=0.2), huber),
        ("binary_crossentropy", lambda x, p: -x * np.log(p) - (1 - x) * np.log(1 - p)),
    ],
    ids=["mse", "MeanSquaredError(sum)", "function", "mae", "huber", "binary_crossentropy"],
)  # fmt: skip
def test_pixel_loss_sums_over_pixels_and_channels(loss, formula):
    random = np.random.default_rng(9)
    images = random.uniform(size=(5, 6, 4, 3)).astype("float32")
    raw = random.normal(size=(5, 6, 4, 3)).astype("float32")
    likelihood = likelihoods.get(loss)
    expected = formula(images.astype("float64"), special.expit(raw.astype("float64"))).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(reference.compute(likelihood.log_prob, images, raw), -expected, rtol=1e-5)
    np.testing.assert_allclose(reference.compute(likelihood.mean, raw), special.expit(raw), rtol=1e-6)
