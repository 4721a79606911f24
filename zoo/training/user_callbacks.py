"""Callbacks that the user adds to a training: objects, and functions named in a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from zoo.errors import RunError
from zoo.registry.loading import describe_error
from zoo.registry.references import resolve_reference
from zoo.runs.run import Run

Callbacks = Sequence[keras.callbacks.Callback | str]
EXPECTED = "expected Keras callbacks, or names such as 'my_module:make_callback'"


def split_callbacks(given: Callbacks | None) -> tuple[list[str], list[keras.callbacks.Callback]]:
    """Return the names and the objects among callbacks.

    Raises:
        TypeError: something is neither.
    """
    if given is None:
        return [], []
    if isinstance(given, str) or not isinstance(given, list | tuple):
        raise TypeError(f"callbacks is {given!r}: expected a list: {EXPECTED.removeprefix('expected ')}")
    for item in given:
        if not isinstance(item, str | keras.callbacks.Callback):
            raise TypeError(f"callbacks has {item!r}: {EXPECTED}")
    names = [item for item in given if isinstance(item, str)]
    return names, [item for item in given if not isinstance(item, str)]


def check_names(names: Iterable[str]) -> None:
    """Import the functions that make callbacks.

    Raises:
        ValueError: one cannot be imported; the message says why.
    """
    for name in names:
        try:
            resolve_reference(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # The user's modules can raise anything.
            module = name.partition(":")[0]
            reason = describe_error(error)
            if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
                reason = f"there is no module {error.name}: install it, or add its folder to PYTHONPATH"
            raise ValueError(f"callback {name!r} cannot be imported: {reason}") from error


def make_callbacks(names: Iterable[str], run: Run) -> list[keras.callbacks.Callback]:
    """Call the functions that make a run's callbacks.

    Args:
        names: functions, as ``module:function``.
        run: what each is called with.

    Returns:
        A callback for each name.

    Raises:
        RunError: one raises, or returns something else.
    """
    made = []
    for name in names:
        try:
            callback = resolve_reference(name)(run)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise RunError(f"callback {name!r} raised {describe_error(error)}") from error
        if not isinstance(callback, keras.callbacks.Callback):
            raise RunError(f"callback {name!r} returned {callback!r}: expected a keras.callbacks.Callback")
        made.append(callback)
    return made


def find_raising(error: BaseException, callbacks: Iterable[Any]) -> Any | None:
    """Return the callback in whose methods an error was raised; None if it was none of these."""
    known = list(callbacks)
    trace = error.__traceback__
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        found = next((callback for callback in known if callback is owner), None)
        if found is not None:
            return found
        trace = trace.tb_next
    return None
