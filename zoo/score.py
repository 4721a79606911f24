"""What describes a score wherever it is shown: its name, its unit, its digits, and which direction is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The key under which a result describes the scores that plugins have added to it.
DESCRIPTIONS = "metrics"
CONDITIONAL = "conditional"  # True in the result of a conditional model, absent from others.
_PLUGIN_PLACE = 8  # Among the places of ``InTable``: with the image scores.
MOST_DIGITS = 12
_TEXTS = ("title", "unit", "definition")


@dataclass(frozen=True)
class InTable:
    """A score's column in a leaderboard.

    Args:
        place: the sort key of the columns.
        digits: the number of decimals.
        name: its title; None: the score's.
        unit: its unit; None: the score's.
        heading: title and unit combined, for lack of space; None: one after the other.
        orders: whether rows can be ordered by it; a table uses the first such score that all its rows have.
        over_seeds: whether the value differs between seeds, so that a row shows the mean with its interval.
        on_page: whether it also appears on a model's page of a report.
    """

    place: int
    digits: int = 1
    name: str | None = None
    unit: str | None = None
    heading: str | None = None
    orders: bool = False
    over_seeds: bool = True
    on_page: bool = True


@dataclass(frozen=True)
class Score:
    """One number of a result.

    Args:
        path: its path in a result: ``("psnr",)``, ``("cost", "flops", "encoder")``.
        title: its display name.
        unit: the unit shown; empty if there is none.
        definition: what it is, in one line.
        digits: the number of decimals shown; whole numbers have none.
        lower_is_better: None if neither direction is better.
        scale: the stored value is divided by this when shown.
        in_table: its column in a leaderboard; None if it has none.
    """

    path: tuple[str, ...]
    title: str
    unit: str = ""
    definition: str = ""
    digits: int = 2
    lower_is_better: bool | None = True
    scale: float = 1
    in_table: InTable | None = None

    @property
    def key(self) -> str:
        """The path in one word: ``psnr``, ``cost.flops.encoder``."""
        return ".".join(self.path)

    @property
    def name(self) -> str:
        """The title of its column."""
        return self.title if self.in_table is None or self.in_table.name is None else self.in_table.name

    @property
    def heading(self) -> str:
        """The title of its column, with its unit."""
        column = self.in_table
        if column is not None and column.heading is not None:
            return column.heading
        unit = self.unit if column is None or column.unit is None else column.unit
        return f"{self.name} {unit}".strip()

    @property
    def hint(self) -> str:
        """Its definition and which direction is better, for the header of its column."""
        return self.definition + (f"; {self.direction} is better" if self.direction else "")

    @property
    def direction(self) -> str:
        """The better direction: ``lower``, ``higher``, or empty."""
        return {True: "lower", False: "higher", None: ""}[self.lower_is_better]

    def show(self, value: float, sign: str = "") -> str:
        """Return a value as text; ``sign="+"`` always shows its sign."""
        shown = value if self.scale == 1 else value / self.scale
        return f"{shown:{sign},}" if isinstance(shown, int) else f"{shown:{sign},.{self.digits}f}"

    def read(self, result: Mapping[str, Any]) -> Any:
        """Return its value in a result; None if it has none."""
        value: Any = result
        for key in self.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


def describe_score(score: Any) -> dict[str, Any]:
    """Return what a result holds to describe a plugin's score, such as a ``zoo.Metric``."""
    return {name: getattr(score, name) for name in ("title", "unit", "digits", "lower_is_better", "definition")}


def described_scores(result: Mapping[str, Any] | None) -> list[Score]:
    """Return the plugins' scores that a result describes, each with a column; what is not valid gets defaults."""
    found = (result or {}).get(DESCRIPTIONS)
    return [_described(str(name), given) for name, given in found.items()] if isinstance(found, Mapping) else []


def _described(name: str, given: Any) -> Score:
    given = given if isinstance(given, Mapping) else {}
    title, unit, definition = (it if isinstance(it := given.get(key), str) else "" for key in _TEXTS)
    digits, better = given.get("digits"), given.get("lower_is_better")
    digits = digits if type(digits) is int and 0 <= digits <= MOST_DIGITS else 3
    return Score(
        (name,), title or name, unit, definition, digits, better if type(better) is bool else None,
        in_table=InTable(_PLUGIN_PLACE, digits),
    )  # fmt: skip
