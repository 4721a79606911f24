"""Whether the values of a batch are known, so that they can be checked."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

_checked: contextvars.ContextVar[bool] = contextvars.ContextVar("zoo_values_checked", default=False)


@contextlib.contextmanager
def values_checked() -> Iterator[None]:
    """Let ``find_values`` find nothing in here, where all images have been checked, or are as a stream's batch comes.

    This stands for compiled steps, whose tensors have no values, on PyTorch, which runs Python instead.
    """
    token = _checked.set(keras.backend.backend() == "torch")
    try:
        yield
    finally:
        _checked.reset(token)


def find_values(images: Any) -> np.ndarray | None:
    """Return images as an array if their values are known; None for a symbolic tensor, as in a compiled step."""
    if _checked.get():
        return None
    if isinstance(images, np.ndarray):
        return images
    try:
        return np.asarray(ops.convert_to_numpy(images))
    except Exception:  # each backend raises another one for its symbolic tensors
        return None
