"""What a check is: a rule that an architecture or a dataset follows, and a function that finds out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.errors import one_line

LONGEST = 300


class CheckFailure(AssertionError):  # noqa: N818 - as pytest calls it
    """A rule that is not followed; the message says what was got, what is expected, and how to fix it."""


class CheckSkipped(Exception):  # noqa: N818 - no error
    """A check that has no meaning for what is checked; the message says why."""


@dataclass(frozen=True)
class Check:
    """One rule.

    Args:
        name: of the function, such as ``check_posterior_is_finite``.
        rule: what must hold, in a sentence.
        function: takes what is checked; raises ``CheckFailure`` or ``CheckSkipped``.
        kind: ``architecture`` or ``dataset``.
        slow: left out of a fast run.
        gaussian: only for models with a Gaussian posterior.
    """

    name: str
    rule: str
    function: Callable[[Any], None]
    kind: str
    slow: bool = False
    gaussian: bool = False


_checks: dict[str, Check] = {}


def check(
    kind: str = "architecture", *, slow: bool = False, gaussian: bool = False
) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Make a function a check of a kind; its docstring states the rule. See ``Check`` for the arguments."""

    def add(function: Callable[[Any], None]) -> Callable[[Any], None]:
        rule = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        _checks[function.__name__] = Check(function.__name__, rule, function, kind, slow, gaussian)
        return function

    return add


def shorten(error: BaseException) -> str:
    """Return an error in one line: without the escape codes that Keras prints, and cut where it grows long."""
    line = one_line(error)
    return f"{type(error).__name__}: {line if len(line) <= LONGEST else line[:LONGEST] + ' ...'}"


def require(holds: bool, message: str) -> None:
    """Raise ``CheckFailure`` with a message unless something holds."""
    if not holds:
        raise CheckFailure(message)


def registered_checks() -> list[Check]:
    """Return every check that has been defined so far."""
    return list(_checks.values())
