"""The digit features: what a small classifier of MNIST, which comes with the zoo, sees in images of digits."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from zoo.data.checks import as_float, check_images
from zoo.weights.arrays import read_arrays

NAME = "digit features"
SHAPE, SIZE = (28, 28, 1), 64
ARRAYS, FACTS = "digit_features.safetensors", "digit_features.json"
BATCH = 256


def build_classifier() -> keras.Model:
    """Return the untrained classifier: images ``(batch, 28, 28, 1)`` in [0, 1] to 64 features and 10 logits."""
    images = keras.Input(SHAPE, name="images")
    x = layers.Conv2D(32, 5, strides=2, padding="same", activation="relu", name="first")(images)
    x = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu", name="second")(x)
    # Linear, so that features are not zero for half of the images.
    features = layers.Dense(SIZE, name="features")(layers.Flatten()(x))
    logits = layers.Dense(10, name="logits")(layers.Activation("relu")(features))
    return keras.Model(images, [features, logits], name="digit_features")


def name_arrays(classifier: keras.Model) -> dict[str, Any]:
    """Return the classifier's weights by the names that they have in its file."""
    named = [classifier.get_layer(name) for name in ("first", "second", "features", "logits")]
    return {f"{layer.name}/{weight.name}": weight for layer in named for weight in layer.weights}


def digit_features(images: Any) -> npt.NDArray[np.float64]:
    """Return the features of images of digits.

    Args:
        images: ``(n, 28, 28, 1)``, uint8 in 0..255 or float in [0, 1].

    Returns:
        ``(n, 64)``: the last hidden layer of a classifier of MNIST, before its rectifier.

    Raises:
        ValueError: images of another shape or range.
    """
    array = check_images(images, SHAPE)
    batches = (as_float(array[start : start + BATCH]) for start in range(0, len(array), BATCH))
    return np.concatenate([_predict(batch)[0] for batch in batches]).astype(np.float64)


def recognise_digits(images: Any) -> npt.NDArray[np.int64]:
    """Return the digit that the classifier takes each image for, ``(n,)``; arguments as in ``digit_features``."""
    array = check_images(images, SHAPE)
    batches = (as_float(array[start : start + BATCH]) for start in range(0, len(array), BATCH))
    digits: npt.NDArray[np.int64] = np.concatenate([_predict(batch)[1] for batch in batches]).argmax(axis=1)
    return digits


def _predict(batch: np.ndarray) -> list[np.ndarray]:
    """Return features and logits; a last short batch is filled, since each new size may be compiled again."""
    filled = np.concatenate([batch, np.zeros((BATCH - len(batch), *SHAPE), batch.dtype)])
    outputs = _load_classifier().predict_on_batch(filled.astype("float32"))
    return [output[: len(batch)] for output in outputs]


@functools.cache
def _load_classifier() -> keras.Model:
    file = files(__package__) / ARRAYS
    arrays, classifier = read_arrays(file.read_bytes(), file), build_classifier()
    for name, weight in name_arrays(classifier).items():
        weight.assign(arrays[name].astype("float32"))
    return classifier
