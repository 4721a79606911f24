"""Random draws of a model: their seeds, and grey levels binarised by chance, the same in every evaluation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.data.checks import as_float
from zoo.typing import Tensor


def binarize(images: np.ndarray, seed: int | np.random.Generator) -> np.ndarray:
    """Binarise a set of images: each value is 1 with its grey level as the probability.

    The draw for a value depends only on the seed and on its position in the set, as in published scores of dynamically
    binarised images; so the order of the set matters.

    Args:
        images: ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1].
        seed: the seed of the draws; or a generator, for a set that is binarised part by part.

    Returns:
        float32 zeros and ones of the same shape.
    """
    draws = np.random.default_rng(seed).random(images.shape, dtype="float32")
    return (draws < as_float(images)).astype("float32")


def batch_thresholds(images: Tensor, seed: int) -> Tensor:
    """Return thresholds for a batch from a stream, whose position in a set is unknown.

    They are one fixed draw for all images, shifted modulo 1 by an amount that depends only on the image: uniform for
    each image, different between images, the same in every batch. Images of 0 and 1 are not changed by them.

    Args:
        images: ``(batch, H, W, C)``, float in [0, 1].
        seed: the seed of the draws.

    Returns:
        Values in [0, 1) of the same shape; a pixel is 1 where it exceeds its threshold.
    """
    shape = (1, *ops.shape(images)[1:])
    angle = ops.sum(images * keras.random.uniform(shape, seed=seed + 1), axis=(1, 2, 3), keepdims=True)
    return ops.mod(keras.random.uniform(shape, seed=seed) + angle, 1.0)


def seed_generator(seed: int | None) -> Any:
    """Return a ``keras.random.SeedGenerator`` for any seed of 32 bits.

    Args:
        seed: 0..2^32 - 1; None draws one.
    """
    # Keras' state is int32 on PyTorch, where it refuses half of the seeds.
    if not isinstance(seed, int) or seed < 2**31:
        return keras.random.SeedGenerator(seed)
    generator = keras.random.SeedGenerator(0)
    set_seed(generator, seed)
    return generator


def set_seed(generator: Any, seed: int) -> None:
    """Let a generator draw from now on as a new one of that seed, 0..2^32 - 1, does."""
    generator.state.assign(np.array([seed, 0], "uint32").astype(generator.state.dtype))
