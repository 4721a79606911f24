"""Whether a model is called within a step of Keras' loops."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

# Within a step ``call`` gives the terms of the objective, outside the mean image: one pass of encoder and decoder
# serves Keras' train step on every backend. A context variable, because replicas' threads interleave.
_in_step: contextvars.ContextVar[bool] = contextvars.ContextVar("zoo_in_step", default=False)


def in_step() -> bool:
    """Return whether the caller runs within ``step``."""
    return _in_step.get()


@contextlib.contextmanager
def step() -> Iterator[None]:
    """Mark what runs within as a step."""
    token = _in_step.set(True)
    try:
        yield
    finally:
        _in_step.reset(token)
