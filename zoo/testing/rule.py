"""Checks: a rule that an architecture or a dataset must follow, and a function that tests it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.errors import one_line

LONGEST = 300


class CheckFailure(AssertionError):  # noqa: N818 - as pytest calls it
    """A violated rule; the message says what was got, what is expected, and how to fix it."""


class CheckSkipped(Exception):  # noqa: N818 - not an error
    """A check that does not apply; the message says why."""


@dataclass(frozen=True)
class Check:
    """One rule.

    Args:
        name: name of the function, such as ``check_posterior_is_finite``.
        rule: what must hold, in one sentence.
        function: takes the subject; raises ``CheckFailure`` or ``CheckSkipped``.
        kind: ``architecture``, ``dataset``, ``likelihood`` or ``metric``.
        slow: whether a fast run skips it.
        posteriors: the kinds of posterior that it applies to; empty for all.
        labels_of: the part whose builder must name ``labels`` for it to apply; empty if none must.
    """

    name: str
    rule: str
    function: Callable[[Any], None]
    kind: str
    slow: bool = False
    posteriors: tuple[str, ...] = ()
    labels_of: str = ""


_checks: dict[str, Check] = {}


def check(
    kind: str = "architecture", *, slow: bool = False, posteriors: tuple[str, ...] = (), labels_of: str = ""
) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Register a function as a check; its docstring states the rule. See ``Check`` for the arguments."""

    def add(function: Callable[[Any], None]) -> Callable[[Any], None]:
        rule = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        _checks[function.__name__] = Check(function.__name__, rule, function, kind, slow, posteriors, labels_of)
        return function

    return add


def shorten(error: BaseException) -> str:
    """Return an error on one line, without the escape codes that Keras prints, and truncated if long."""
    line = one_line(error)
    return f"{type(error).__name__}: {line if len(line) <= LONGEST else line[:LONGEST] + ' ...'}"


def require(holds: bool, message: str) -> None:
    """Raise ``CheckFailure`` with the message unless the condition holds."""
    if not holds:
        raise CheckFailure(message)


def registered_checks() -> list[Check]:
    """Return every check defined so far."""
    return list(_checks.values())
