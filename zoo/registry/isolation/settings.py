"""Settings of the process that a plugin's import may change for everyone: how each is read, and put back."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.environment import keras_settings

ABSENT = object()  # The value of a setting of a module that has not been imported.
PREFIXES = ("KERAS_", "ZOO_")


@dataclass(frozen=True)
class Setting:
    """A setting of the process.

    Args:
        title: what it is called in messages.
        read: returns its value; ``ABSENT`` if it does not exist yet.
        write: puts a value back.
        default: returns the value that it has when its module is imported.
        plain: whether its value is shown in messages.
    """

    title: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    default: Callable[[], Any] = lambda: ABSENT
    plain: bool = False


def _read_folder() -> Any:
    try:
        return os.getcwd()
    except OSError:  # It was deleted.
        return ABSENT


def _read_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIXES)}


def _write_variables(before: dict[str, str]) -> None:
    for name in set(_read_variables()) - set(before):
        del os.environ[name]
    os.environ.update(before)


def _read_filters() -> list[Any]:
    """Return the filters that concern every warning, whatever its text and its module."""
    return [it for it in warnings.filters if it[1] is None and it[3] is None and issubclass(UserWarning, it[2])]


def _write_filters(before: list[Any]) -> None:
    ours = _read_filters()
    others = [it for it in warnings.filters if it not in ours]
    warnings.resetwarnings()
    warnings.filters[:] = [*others, *before]  # type: ignore[index]


def _signal(number: signal.Signals) -> Setting:
    def write(handler: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(number, handler)

    def read() -> Any:
        handler = signal.getsignal(number)
        return ABSENT if handler is None else handler  # None: not Python's to put back.

    return Setting(f"the handler of {number.name}", read, write)


def _stream(name: str) -> Setting:
    return Setting(f"sys.{name}", lambda: getattr(sys, name), lambda stream: setattr(sys, name, stream))


def _of(module: str, reader: str, writer: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """Return functions that read and write a setting through two functions of a module, if that is imported."""

    def find(name: str) -> Any:
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)  # Half imported, or another module of that name.
        return found

    def read() -> Any:
        function = find(reader)
        return function() if callable(function) else ABSENT

    return read, lambda value: find(writer)(value)


def _of_keras(name: str, title: str, key: str) -> Setting:
    return Setting(
        f"Keras' {title}", *_of("keras", f"config.{name}", f"config.set_{name}"), lambda: keras_settings()[key], True
    )


def _read_policy() -> Any:
    policy = _of("keras", "config.dtype_policy", "")[0]()
    return getattr(policy, "name", policy)


def _jax_precision() -> Setting:
    def read() -> Any:
        return getattr(getattr(sys.modules.get("jax"), "config", None), "jax_enable_x64", ABSENT)

    def write(value: Any) -> None:
        sys.modules["jax"].config.update("jax_enable_x64", value)

    return Setting("JAX's 64-bit mode", read, write, lambda: False)


def _numpy_seed() -> Setting:
    def read() -> Any:
        state = _of("numpy", "random.get_state", "")[0]()
        return state if state is ABSENT else (state[0], state[1].tobytes(), *state[2:])

    def write(state: Any) -> None:
        import numpy as np

        np.random.set_state((state[0], np.frombuffer(state[1], np.uint32), *state[2:]))

    return Setting("NumPy's random seed", read, write)


SETTINGS = (
    Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit, plain=True),
    Setting("the working directory", _read_folder, os.chdir, plain=True),
    Setting("environment variables of Keras or the zoo", _read_variables, _write_variables),
    Setting("the filters of all warnings", _read_filters, _write_filters),
    _signal(signal.SIGINT),
    _signal(signal.SIGTERM),
    _stream("stdin"),
    _stream("stderr"),
    Setting("NumPy's handling of errors", _of("numpy", "geterr", "")[0], lambda value: _write_errors(value)),
    _of_keras("floatx", "floatx", "floatx"),
    _of_keras("image_data_format", "image data format", "image_data_format"),
    Setting(
        "Keras' dtype policy",
        _read_policy,
        _of("keras", "", "config.set_dtype_policy")[1],
        lambda: keras_settings()["floatx"],
        True,
    ),
    Setting(
        "whether TensorFlow runs functions eagerly",
        *_of("tensorflow", "config.functions_run_eagerly", "config.run_functions_eagerly"),
        lambda: False,
    ),
    _jax_precision(),
)
SEEDS = (Setting("Python's random seed", random.getstate, random.setstate), _numpy_seed())


def _write_errors(value: dict[str, Any]) -> None:
    import numpy as np

    np.seterr(**value)
