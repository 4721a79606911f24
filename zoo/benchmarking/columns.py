"""The columns of a leaderboard: those from the table of scores, and those that identify a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

from zoo.benchmarking.intervals import Summary
from zoo.benchmarking.table import Row, Table
from zoo.score import InTable, Score

Value = str | int | float | Summary | None
EMPTY = "-"
VALIDATION_PLACE, FLOPS_PLACE = 4, 10  # Among the places of ``zoo.score_names.InTable``.


class Role(Enum):
    """The purpose of a column."""

    MODEL = auto()
    RANK = auto()
    SEEDS = auto()
    MAIN = auto()  # The score that orders the rows.
    DIFFERENCE = auto()
    OTHER = auto()


@dataclass(frozen=True)
class Cell:
    """The content of a row in a column.

    Args:
        text: the value, rounded; ``-`` if there is none.
        half: half of its 95 % interval, rounded; empty if there is none.
        value: the value to sort by; None if there is none.
    """

    text: str
    half: str = ""
    value: str | int | float | None = None

    def __str__(self) -> str:
        return f"{self.text} ± {self.half}" if self.half else self.text


@dataclass(frozen=True)
class Column:
    """A column.

    Args:
        role: the purpose of the column.
        heading: title and unit together.
        name: the title alone.
        unit: the unit; empty if there is none.
        hint: a description.
        read: returns the value of a row.
        digits: digits after the decimal point.
        scale: divisor that converts values to the unit shown.
        signed: whether to show a plus sign.
        on_page: whether a model's page in a report shows it too.
    """

    role: Role
    heading: str
    name: str
    unit: str
    hint: str
    read: Callable[[Row], Value]
    digits: int = 0
    scale: float = 1
    signed: bool = False
    on_page: bool = True

    def cell(self, row: Row) -> Cell:
        """Return the cell of a row in this column."""
        value = self.read(row)
        if value is None:
            return Cell(EMPTY)
        if isinstance(value, str):
            return Cell(value, value=value)
        if isinstance(value, Summary):
            half = "" if value.half is None else self._round(value.half)
            return Cell(self._round(value.mean, "+" if self.signed else ""), half, value.mean)
        return Cell(self._round(value), value=value)

    def _round(self, number: float, sign: str = "") -> str:
        return f"{number / self.scale:{sign},.{self.digits}f}"


def make_columns(table: Table) -> list[Column]:
    """Return the columns of a table, without those that have no value in any row."""
    main = table.main
    shown = [(it.in_table, it) for it in table.scores() if it.in_table is not None]
    placed = [(it.place, _score_column(score, it)) for it, score in shown if not it.orders]
    placed += [(VALIDATION_PLACE, _VALIDATION), (FLOPS_PLACE, _OPERATIONS)]
    columns = [
        *_WHAT_IT_IS,
        *(_score_column(main, it, Role.MAIN) for it in (main.in_table,) if it is not None),
        *(_difference_column(main, it, table.baseline) for it in (main.in_table,) if it is not None),
        *(column for _, column in sorted(placed, key=lambda pair: pair[0])),
    ]
    return [column for column in columns if any(column.cell(row).value is not None for row in table.rows)]


def _score_column(score: Score, column: InTable, role: Role = Role.OTHER) -> Column:
    unit = score.unit if column.unit is None else column.unit
    read = partial(_read_summary, score) if column.over_seeds else partial(_read_number, score)
    return Column(
        role, score.heading, score.name, unit, score.hint, read, column.digits, score.scale, on_page=column.on_page
    )


def _read_summary(score: Score, row: Row) -> Summary | None:
    return row.scores.get(score.key)


def _read_number(score: Score, row: Row) -> Value:
    value: float | None = score.read(row.result)
    return value


def _difference_column(score: Score, column: InTable, baseline: str | None) -> Column:
    heading, unit = f"Δ {score.heading}", score.unit if column.unit is None else column.unit
    hint = f"difference from {baseline}, paired by seed; {score.direction} is better"
    return Column(
        Role.DIFFERENCE, heading, heading, unit, hint, lambda row: row.difference, column.digits, score.scale,
        signed=True,
    )  # fmt: skip


def count_operations(row: Row) -> int | None:
    """Return the operations of encoder and decoder for one image; None if they were not counted."""
    counts = [*(row.cost.flops or {"encoder": None}).values()]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


_WHAT_IT_IS = (
    Column(Role.MODEL, "model", "model", "", "architecture, variant and settings", lambda row: row.model),
    Column(Role.RANK, "rank", "rank", "", "rank by the score that orders the table", lambda row: row.rank),
    Column(
        Role.SEEDS, "seeds", "seeds", "", "number of runs, each with a different seed",
        lambda row: len(row.seeds), on_page=False,
    ),
)  # fmt: skip
_VALIDATION = Column(
    Role.OTHER, "validation", "validation", "nats",
    "-ELBO of the best epoch on the validation split; lower is better", lambda row: row.validation, 1, on_page=False,
)  # fmt: skip
_OPERATIONS = Column(
    Role.OTHER, "MFLOPs", "MFLOPs", "", "of encoder and decoder for one image; a multiply-add is two",
    count_operations, 1, 1e6, on_page=False,
)  # fmt: skip
