"""Training on one device, or on all devices of the machine, each of which computes its share of every batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import keras

DEVICES = ("one", "all")


def check_devices(devices: Any) -> None:
    """Raise ``ValueError`` unless it is ``one`` or ``all``, and the backend can use as many."""
    if devices not in DEVICES:
        raise ValueError(f"devices is {devices!r}: expected one of {', '.join(DEVICES)}")
    backend = keras.backend.backend()
    if devices == "all" and backend not in ("tensorflow", "jax"):
        raise ValueError(f"devices is 'all', and Keras runs on {backend}: expected 'one', or TensorFlow or JAX")


@contextlib.contextmanager
def spread(devices: str) -> Iterator[None]:
    """Let models that are made or loaded within be trained on one device, or on all GPUs (CPUs, if there is none).

    On TensorFlow that is a ``tf.distribute.MirroredStrategy``, on JAX a ``keras.distribution.DataParallel``.
    """
    with contextlib.nullcontext() if devices == "one" else _scope_of_all():
        yield


def _scope_of_all() -> AbstractContextManager[Any]:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        several = [device.name for device in found]
        strategy = tf.distribute.MirroredStrategy(several) if len(several) > 1 else None
    else:
        several = keras.distribution.list_devices()
        strategy = keras.distribution.DataParallel(devices=several) if len(several) > 1 else None
    scope: AbstractContextManager[Any] = contextlib.nullcontext() if strategy is None else strategy.scope()
    return scope
