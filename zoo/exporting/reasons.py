"""What is said where a converter or a runtime fails, whatever it raises."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import keras

from zoo.errors import ExportError, one_line


@contextlib.contextmanager
def explained(failure: str, command: str) -> Iterator[None]:
    """Raise any error within as an ``ExportError``, and leave out warnings, which nobody here can heed.

    Args:
        failure: what cannot be done, with which the message begins.
        command: the command that does it with TensorFlow, if that may be the way out.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except ExportError:
        raise
    except Exception as error:  # Whatever a converter or a runtime raises.
        hint = f"; TensorFlow's converters know more operations: save the model, and run zoo {command} on the file"
        way_out = hint if keras.backend.backend() == "jax" else ""
        raise ExportError(f"{failure}: {type(error).__name__}: {one_line(error)}{way_out}") from error
