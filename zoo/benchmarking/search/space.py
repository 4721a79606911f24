"""The settings that a search may choose, and from which values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KINDS = ("uniform", "loguniform", "integers")
# With another of these, the validation loss is another quantity.
REFUSED = ("likelihood", "binarization", "callbacks")
_RANGE = re.compile(r"\s*([a-z]+)\(([^,()]+),([^,()]+)\)\s*")


@dataclass(frozen=True)
class Range:
    """The numbers from one to another, both included.

    Args:
        kind: ``uniform``, ``loguniform`` (each order of magnitude is as likely) or ``integers``.
        low: the least.
        high: the greatest.
    """

    kind: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.kind}({self.low:g},{self.high:g})"

    def ends(self) -> tuple[float, float]:
        """Return the least and the greatest value."""
        return self.low, self.high


Values = Range | tuple[Any, ...]


@dataclass(frozen=True)
class Space:
    """The values of each setting.

    Args:
        settings: a range or a tuple of choices, by the setting's name.
    """

    settings: Mapping[str, Values]

    @classmethod
    def read(cls, given: Mapping[str, str | Range | Sequence[Any]]) -> Space:
        """Return the space that a user has written.

        Args:
            given: for each setting ``"loguniform(1e-4, 1e-2)"``, ``"uniform(0, 1)"``, ``"integers(8, 64)"``, or a list
                of values.

        Raises:
            ValueError: a setting cannot be searched, or its values are not as described.
        """
        if not given:
            raise ValueError("the space is empty: expected a setting and its values, such as latent_dim=8,16,32")
        for name in given:
            if name in REFUSED:
                raise ValueError(
                    f"the space has {name!r}: losses with another {name} cannot be compared: search for each on its own"
                )
        return cls({name: _read(name, value) for name, value in given.items()})

    def examples(self) -> Iterator[dict[str, Any]]:
        """Yield settings in which each value of the space that can be named occurs."""
        for name, values in self.settings.items():
            first = {other: next(iter(_ends(it))) for other, it in self.settings.items()}
            for value in _ends(values):
                yield first | {name: value}

    def points(self, most: int) -> list[dict[str, Any]] | None:
        """Return all points as optuna has them; None if there are more, or infinitely many."""
        counts = [_count(values) for values in self.settings.values()]
        if math.prod(counts) > most:
            return None
        found: list[dict[str, Any]] = [{}]
        for name, values in self.settings.items():
            found = [{**point, name: value} for point in found for value in _all(values)]
        return found

    def distributions(self) -> dict[str, Any]:
        """Return optuna's distributions; a choice is the text of a value, since it may be a list."""
        from optuna import distributions

        made: dict[str, Any] = {}
        for name, values in self.settings.items():
            if not isinstance(values, Range):
                made[name] = distributions.CategoricalDistribution([json.dumps(value) for value in values])
            elif values.kind == "integers":
                made[name] = distributions.IntDistribution(int(values.low), int(values.high))
            else:
                log = values.kind == "loguniform"
                made[name] = distributions.FloatDistribution(values.low, values.high, log=log)
        return made

    def to_settings(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of what optuna has chosen."""
        return {
            name: params[name] if isinstance(values, Range) else json.loads(params[name])
            for name, values in self.settings.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {name: str(it) if isinstance(it, Range) else list(it) for name, it in self.settings.items()}


def _read(name: str, given: str | Range | Sequence[Any]) -> Values:
    if isinstance(given, Range):
        return given
    if not isinstance(given, str):
        if not isinstance(given, Sequence) or not given:
            raise ValueError(f"the space's {name} is {given!r}: expected values, or such as 'loguniform(1e-4, 1e-2)'")
        if len({json.dumps(value) for value in given}) < len(given):
            raise ValueError(f"the space's {name} has a value twice: {given!r}")
        return tuple(given)
    match = _RANGE.fullmatch(given)
    try:
        kind, low, high = (match[1], float(match[2]), float(match[3])) if match else ("", 0.0, 0.0)
    except ValueError:
        kind, low, high = "", 0.0, 0.0
    if kind not in KINDS:
        raise ValueError(f"the space's {name} is {given!r}: expected {', '.join(f'{it}(LOW,HIGH)' for it in KINDS)}")
    whole = low.is_integer() and high.is_integer()
    if not -math.inf < low < high < math.inf or (kind == "loguniform" and low <= 0):
        least = "two finite numbers above 0" if kind == "loguniform" else "two finite numbers"
        raise ValueError(f"the space's {name} is {given!r}: expected {least}, the lower first")
    if kind == "integers" and not whole:
        raise ValueError(f"the space's {name} is {given!r}: expected two whole numbers")
    return Range(kind, int(low), int(high)) if kind == "integers" else Range(kind, low, high)


def _ends(values: Values) -> Sequence[Any]:
    return values.ends() if isinstance(values, Range) else values


def _count(values: Values) -> float:
    if not isinstance(values, Range):
        return len(values)
    return values.high - values.low + 1 if values.kind == "integers" else math.inf


def _all(values: Values) -> list[Any]:
    if isinstance(values, Range):
        return list(range(int(values.low), int(values.high) + 1))
    return [json.dumps(value) for value in values]
