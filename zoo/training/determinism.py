"""Runs that repeat to the bit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from zoo.autoencoder.internals import is_deterministic, leave_determinism

logger = logging.getLogger("zoo")


@contextmanager
def repeatable(seed: int, deterministic: bool | None) -> Iterator[bool]:
    """Seed Python, NumPy and the backend; let TensorFlow use only operations that repeat to the bit.

    TensorFlow refuses XLA while it is in that mode, so it is left again afterwards.

    Args:
        seed: of every random state.
        deterministic: whether to use that mode; None does so where there is no GPU.

    Yields:
        Whether the mode is on.
    """
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() != "tensorflow":
        if deterministic:
            logger.warning("deterministic mode is TensorFlow's: %s runs as it is", keras.backend.backend())
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
