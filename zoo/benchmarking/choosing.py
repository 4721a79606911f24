"""From the name of an executor and its options to an executor."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

from zoo.benchmarking.dispatch import LOST_AFTER
from zoo.benchmarking.executor import Executor, Terms
from zoo.errors import UnknownNameError
from zoo.registry import catalogue
from zoo.registry.executor_specs import ExecutorSpec
from zoo.registry.messages import explain_unknown
from zoo.registry.references import resolve_reference

COMMON = "lost_after"


@contextlib.contextmanager
def choose(
    executor: Executor | str | None, options: Mapping[str, Any], terms: Terms
) -> Iterator[tuple[Executor, float]]:
    """Make an executor, and close it in the end.

    Args:
        executor: a name, ``local`` if None; or an executor, which takes no options but the common one.
        options: the executor's options, and ``lost_after``, in seconds.
        terms: what the benchmark asks of the executor.

    Yields:
        The executor, and the seconds after which a silent run is lost.

    Raises:
        UnknownNameError: no such executor.
        TypeError: an option that the executor does not take.
        ValueError: an option's value is not valid.
    """
    own = {name: value for name, value in options.items() if name != COMMON}
    lost_after = options.get(COMMON, LOST_AFTER)
    if isinstance(lost_after, bool) or not isinstance(lost_after, int | float) or not 0 < lost_after < math.inf:
        raise ValueError(f"{COMMON} is {lost_after!r}: expected a number of seconds above 0")
    if executor is None or isinstance(executor, str):
        executor = _make(executor or "local", own, terms)
    elif own:
        raise TypeError(f"{', '.join(own)} given with an executor that is made already: set them there")
    try:
        yield executor, float(lost_after)
    finally:
        executor.close()


def check_choice(name: str | None, options: Mapping[str, Any]) -> None:
    """Raise what ``choose`` does for a name and the names of its options, without making the executor."""
    _check(name or "local", {key: value for key, value in options.items() if key != COMMON})


def _find(name: str) -> ExecutorSpec:
    known = catalogue.executors()
    if name in known:
        return known[name]
    raise UnknownNameError(explain_unknown(name, "executor", known, "zoo plugins", catalogue.list_plugins()))


def _make(name: str, options: Mapping[str, Any], terms: Terms) -> Executor:
    _check(name, options)
    made: Executor = resolve_reference(_find(name).make)(terms, **options)
    for method in ("submit", "close"):
        if not callable(getattr(made, method, None)):
            raise TypeError(f"executor {name}: got {made!r}: expected an object with the method {method}")
    return made


def _check(name: str, options: Mapping[str, Any]) -> None:
    _, *parameters = inspect.signature(resolve_reference(_find(name).make)).parameters.values()
    if any(it.kind is it.VAR_KEYWORD for it in parameters):
        return
    valid = [it.name for it in parameters]
    for option in options:
        if option not in valid:
            raise TypeError(
                f"executor {name}: unknown option {option!r}: expected one of {', '.join([*valid, COMMON])}"
            )
