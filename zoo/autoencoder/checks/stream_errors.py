"""Errors of the user's own streams: Keras' loops get them back from TensorFlow, buried in an account of its graph."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from zoo.errors import one_line

_PYTHON = re.compile(
    r"(?:^|\}\} )([A-Za-z_][\w.]*)(?:: (.*?))?\nTraceback \(most recent call last\):\n(.*)", re.MULTILINE | re.DOTALL
)
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in ')
_OPERATION = re.compile(
    r"^(?:\{\{.*?\}\} )?(?:Error in user-defined function passed to \S+ transformation with iterator: \S+: )?"
    r"(.*?)\n\t \[\[.*IteratorGetNext",
    re.DOTALL,
)
_LIBRARIES = ("/tensorflow/python/", "/keras/src/", "/zoo/autoencoder/")
_raised: list[Exception] = []


@contextlib.contextmanager
def noting() -> Iterator[None]:
    """Note what the user's code within raises, for ``own_errors_first``."""
    try:
        yield
    except Exception as error:
        _raised[:] = [error]  # Only the last: a later batch is not asked for.
        raise


def noted(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield the batches of a stream, and note what it raises."""
    stream = iter(batches)
    while True:
        with noting():
            try:
                batch = next(stream)
            except StopIteration:
                return
        yield batch


@contextlib.contextmanager
def own_errors_first() -> Iterator[None]:
    """Raise what the user's own stream raised, instead of TensorFlow's account of it.

    Raises:
        Exception: the stream's own error; where only its text is known, as within ``tf.data``, a ``RuntimeError``.
    """
    _raised.clear()
    try:
        yield
    except Exception as error:
        own = _raised.pop() if _raised else None
        if own is not None and own is not error and type(own).__name__ in str(error):
            raise own from None
        text = _explain(str(error)) if type(error).__module__.startswith("tensorflow") else None
        if text is None:
            raise
        raise RuntimeError(text) from error


def _explain(text: str) -> str | None:
    """Return the user's own error within TensorFlow's message; None if there is none."""
    found = _PYTHON.search(text)
    if found is not None:
        kind, message, trace = found.groups()
        frames = [(file, line) for file, line in _FRAME.findall(trace) if not any(it in file for it in _LIBRARIES)]
        where = f" ({frames[-1][0]}, line {frames[-1][1]})" if frames else ""
        shown = f"{kind}: {one_line(message)}" if message else kind
        return f"{shown}{where}: raised in Python code that TensorFlow called, such as that of a tf.data pipeline"
    found = _OPERATION.search(text)
    if found is None:
        return None
    return f"{one_line(found[1])}: raised in a tf.data pipeline"
