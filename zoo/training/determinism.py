"""Runs that are reproducible to the bit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from zoo.autoencoder.internals import is_deterministic, leave_determinism

logger = logging.getLogger("zoo")


@contextmanager
def repeatable(seed: int, deterministic: bool | None) -> Iterator[bool]:
    """Seed Python, NumPy and the backend; restrict TensorFlow to operations that are reproducible to the bit.

    TensorFlow refuses XLA in that mode, so the mode is switched off again afterwards.

    Args:
        seed: seed of every random state.
        deterministic: whether to use that mode; None uses it if there is no GPU.

    Yields:
        Whether the mode is on.
    """
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() != "tensorflow":
        if deterministic:
            logger.warning("deterministic mode needs TensorFlow: %s runs without it", keras.backend.backend())
        yield False
        return
    import tensorflow as tf

    if deterministic is None:
        deterministic = not tf.config.list_physical_devices("GPU")
    before = is_deterministic()
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    try:
        yield deterministic or before
    finally:
        if not before:
            leave_determinism()
