"""Grey levels as the probabilities of ones: draws that are the same whenever a set of images is scored."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from zoo.data.checks import as_float
from zoo.typing import Tensor


def binarize(images: np.ndarray, seed: int) -> np.ndarray:
    """Binarise a set of images: each value is 1 with its grey level as the probability.

    The draw of a value depends on the seed and on the value's place in the set alone. This is how published scores
    of dynamically binarised images are made, so a set keeps its order.

    Args:
        images: ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1].
        seed: of the draws.

    Returns:
        float32 of 0 and 1, the same shape.
    """
    draws = np.random.default_rng(seed).random(images.shape, dtype="float32")
    return (draws < as_float(images)).astype("float32")


def batch_thresholds(images: Tensor, seed: int) -> Tensor:
    """Return thresholds for a batch of a stream, whose place in a set is unknown.

    One fixed draw for all images, turned by an angle that depends on the image alone: uniform for each image,
    different between images, the same in every batch. Images of 0 and 1 stay as they are.

    Args:
        images: ``(batch, H, W, C)``, float in [0, 1].
        seed: of the draws.

    Returns:
        Values in [0, 1) of the same shape; a pixel is 1 where it exceeds them.
    """
    shape = (1, *ops.shape(images)[1:])
    angle = ops.sum(images * keras.random.uniform(shape, seed=seed + 1), axis=(1, 2, 3), keepdims=True)
    return ops.mod(keras.random.uniform(shape, seed=seed) + angle, 1.0)
