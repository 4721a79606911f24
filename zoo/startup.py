"""The start of Keras and its backend: which one, and without TensorFlow's messages about the machine."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from zoo.environment import BACKENDS, keras_backend, keras_home, keras_settings, read_keras_file
from zoo.errors import BackendError, one_line

FLOATS: tuple[str, ...] = ("float32", "float64")
LAST = "channels_last"
# Keras' settings: key, what the zoo can use, and whether a value is that.
SETTINGS: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    ("floatx", "float32 or float64; for half precision, set precision=mixed_float16", lambda it: it in FLOATS),
    ("epsilon", "a number such as 1e-7", lambda it: isinstance(it, float)),
    ("image_data_format", "channels_last, since images are (height, width, channels)", lambda it: it == LAST),
    ("backend", f"one of {', '.join(BACKENDS)}", lambda it: isinstance(it, str)),
)
COUNTS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
LACK_OF_MEMORY = ("failed to map segment", "annot allocate memory", "bad_alloc")
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
        BackendError: the backend is not installed or cannot be imported, or Keras' settings are not valid.
    """
    if "keras" in sys.modules:
        return
    reason = explain_backend()
    if reason is not None:
        raise BackendError(reason)
    with without_messages(), explaining_failures():
        importlib.import_module("keras")


@contextlib.contextmanager
def explaining_failures() -> Iterator[None]:
    """Raise ``BackendError`` with one sentence if an import of Keras within fails, whatever it raises."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        backend, text = keras_backend(), one_line(error)
        lacking = isinstance(error, MemoryError) or any(words in text for words in LACK_OF_MEMORY)
        if lacking:
            text = f"there is not enough memory ({text}): free some, or raise the limit (ulimit -v)"
        raise BackendError(f"Keras cannot be imported with {backend}: {type(error).__name__}: {text}") from error


def explain_backend() -> str | None:
    """Return why Keras cannot be imported with the chosen backend, and the way out; None if it is installed."""
    return _explain_settings() or _explain_absence()


def _explain_settings() -> str | None:
    """Return which of Keras' settings is not valid, or is one that the zoo's images or models cannot have."""
    file, content = keras_home() / "keras.json", read_keras_file()
    if not isinstance(content, dict):
        kind = "a list" if isinstance(content, list) else f"{content!r:.40}"
        return f"{file} is {kind}: expected an object such as {{}}: correct the file, or delete it"
    for key, expected, fits in SETTINGS:
        value = keras_settings()[key]
        if not fits(value):
            return f"{file}: {key} is {value!r:.40}: expected {expected}: correct the file, or delete it"
    for name in COUNTS:
        value = os.environ.get(name, "1")
        if not re.fullmatch(r"\s*[+-]?\d+\s*", value):
            return f"{name} is {value!r}: expected a whole number"
    return None


def _explain_absence() -> str | None:
    backend = keras_backend()
    if backend not in BACKENDS:
        return f"Keras' backend is {backend!r}: expected {', '.join(BACKENDS)} (KERAS_BACKEND, or keras.json)"
    if find_spec(backend) is None:
        others = [other for other in BACKENDS if find_spec(other) is not None]
        instead = f", or choose another with KERAS_BACKEND={others[0]}" if others else ""
        return f"Keras' backend is {backend}, which is not installed: pip install {backend}{instead}"
    return None
