"""The start of Keras and its backend: which one, and without TensorFlow's messages about the machine."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec

from zoo.environment import BACKENDS, keras_backend
from zoo.errors import BackendError

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# The messages of TensorFlow's C++ code: devices that are missing, instructions that are used.
_MESSAGE = re.compile(
    rb"WARNING: All log messages before absl|To enable the following instructions|"
    rb"[IWEF]\d{4} |\d{4}-\d\d-\d\d [\d:.]+: [IWEF] "
)
_chosen = LEVEL in os.environ


def silence_tensorflow() -> None:
    """Let TensorFlow's C++ code print nothing but fatal errors, unless the user has chosen what it prints.

    TensorFlow reads the setting when it is imported.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault(LEVEL, "3")


@contextlib.contextmanager
def without_messages() -> Iterator[None]:
    """Drop what TensorFlow prints while it is imported within, unless the user has chosen what it prints.

    Until its import ends it does not yet follow ``TF_CPP_MIN_LOG_LEVEL``, and it prints to the process's stderr, past
    ``sys.stderr``. What others print is printed when the import ends.
    """
    if _chosen or "tensorflow" in sys.modules:
        yield
        return
    try:
        kept = os.dup(2)
    except OSError:  # There is no stderr.
        yield
        return
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            printed.seek(0)
            for line in printed.read().splitlines(keepends=True):
                if not _MESSAGE.match(line):
                    os.write(kept, line)
            os.close(kept)


def start_keras() -> None:
    """Import Keras with its backend, without TensorFlow's messages.

    Raises:
        BackendError: the backend is not installed.
    """
    if "keras" in sys.modules:
        return
    reason = explain_backend()
    if reason is not None:
        raise BackendError(reason)
    with without_messages():
        importlib.import_module("keras")


def explain_backend() -> str | None:
    """Return why Keras cannot be imported with the chosen backend, and the way out; None if it is installed."""
    backend = keras_backend()
    if backend not in BACKENDS:
        return f"Keras' backend is {backend!r}: expected {', '.join(BACKENDS)} (KERAS_BACKEND, or keras.json)"
    if find_spec(backend) is None:
        others = [other for other in BACKENDS if find_spec(other) is not None]
        instead = f", or choose another with KERAS_BACKEND={others[0]}" if others else ""
        return f"Keras' backend is {backend}, which is not installed: pip install {backend}{instead}"
    return None
