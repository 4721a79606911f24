"""Leaderboard tables with the data needed to sort them."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.benchmarking import columns
from zoo.benchmarking.columns import Role
from zoo.benchmarking.table import Table
from zoo.report.typography import NONE, typeset


@dataclass(frozen=True)
class Column:
    """The header of a column.

    Args:
        name: the column's name.
        unit: the unit of its numbers.
        hint: a description.
        sort: ``ascending`` or ``descending`` if the rows are sorted by it.
        numbers: whether it holds numbers.
        on_page: whether the page of a model shows it too.
    """

    name: str
    unit: str
    hint: str
    sort: str
    numbers: bool
    on_page: bool


@dataclass(frozen=True)
class Cell:
    """A cell.

    Args:
        text: the text to show.
        interval: half of the 95 % interval, as text; empty if there is none.
        value: the value to sort by; empty if there is none.
    """

    text: str
    interval: str
    value: str


def make_table(table: Table) -> tuple[list[Column], list[list[Cell]]]:
    """Return the columns and rows of a leaderboard's table, the same as in Markdown."""
    found = columns.make_columns(table)
    order = "descending" if table.main.lower_is_better is False else "ascending"
    heads = [
        Column(
            typeset(column.name), column.unit, typeset(column.hint), order if column.role is Role.MAIN else "",
            column.role is not Role.MODEL, column.on_page,
        )
        for column in found
    ]  # fmt: skip
    return heads, [[_cell(column, column.cell(row)) for column in found] for row in table.rows]


def _cell(column: columns.Column, cell: columns.Cell) -> Cell:
    if cell.value is None:
        return Cell(NONE, "", "")
    text = cell.text if column.role is Role.MODEL else typeset(cell.text)
    return Cell(text, cell.half, str(cell.value))
