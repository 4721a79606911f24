"""A leaderboard as text: Markdown, comma-separated values, and tables of cells for a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from zoo.benchmarking.columns import VALIDATION_PLACE, count_operations, make_columns
from zoo.benchmarking.table import FailedRun, Row, Table
from zoo.errors import counted
from zoo.score import Score
from zoo.score_names import has_collapsed, table_scores
from zoo.shown import show, show_line

FACTS = ("dataset", "part", "images", "likelihood", "binarization", "epochs")
LONGEST_REASON = 500  # Characters of why a run failed; its run.json has them all.
LONGEST_CELL = 300
_IDENTITY = ("rank", "model", "preset", "baseline")


def to_markdown(tables: Iterable[Table], failed: Iterable[FailedRun]) -> str:
    """Return tables, and the runs that failed, as Markdown."""
    parts = ["# Leaderboard\n"]
    for table in tables:
        header, *rows = ([cell.replace("|", r"\|") for cell in row] for row in table_cells(table))
        widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
        # Text to the left, numbers to the right.
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        lines = [_markdown_row(row, widths) for row in (header, rule, *rows)]
        parts.append(f"## {show(describe_table(table))}\n\n" + "\n".join(lines) + f"\n\n{show(explain_table(table))}\n")
    lines = [f"- {describe_failure(run)}" for run in failed]
    if lines:
        parts.append("## Failed\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def describe_failure(run: FailedRun) -> str:
    """Return the name of a run and why it failed, on one line."""
    return f"{show_line(run.label, most=LONGEST_REASON)}: {show_line(run.error, most=LONGEST_REASON)}"


def to_csv(tables: Iterable[Table]) -> str:
    """Return the rows of all tables as comma-separated values, not rounded, with all columns that tables have.

    What differs between seeds has four columns: the mean, the standard deviation and the bounds of the 95 % interval.
    Settings in which rows differ have a column each.
    """
    tables = list(tables)
    names, costs = _summary_names(tables), table_scores(over_seeds=False)
    settings = list(dict.fromkeys(key for table in tables for row in table.rows for key in row.settings or {}))
    ends = [f"{name}{end}" for name in names for end in ("", "_std", "_low", "_high")]
    header = [*FACTS, *_IDENTITY, *map(_cost_name, costs), "mflops", "seeds", *ends]
    settings = [key for key in settings if key not in header]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(map(show, [*header, *settings]))
    for table in tables:
        for row in table.rows:
            operations = count_operations(row)
            writer.writerow(
                show(cell) if isinstance(cell, str) else cell
                for cell in [
                    *(getattr(table, name) for name in FACTS),
                    *(getattr(row, name) for name in _IDENTITY),
                    *(score.read(row.result) for score in costs),
                    None if operations is None else operations / 1e6,
                    " ".join(map(str, row.seeds)),
                    *(number for name in names for number in _spread(row, name)),
                    *((row.settings or {}).get(key) for key in settings),
                ]
            )
    return written.getvalue()


def _cost_name(score: Score) -> str:
    """Return the name of a cost's column: ``train_seconds``; ``decode_ms`` for the time of one image."""
    return next(key for key in reversed(score.path) if not key.isdigit())


def _summary_names(tables: list[Table]) -> list[str]:
    """Return the names of the values that vary by seed, in the order of the columns."""
    known = [*table_scores(over_seeds=True), *(it for table in tables for it in table.scores(over_seeds=True))]
    scores = {(it.in_table.place, it.key) for it in known if it.in_table is not None}
    return [name for _, name in sorted([*scores, (VALIDATION_PLACE, "validation")])] + ["difference"]


def _spread(row: Row, name: str) -> tuple[float | None, float | None, float | None, float | None]:
    found = {**row.scores, "validation": row.validation, "difference": row.difference}.get(name)
    return (None,) * 4 if found is None else (found.mean, found.std, found.low, found.high)


def describe_table(table: Table) -> str:
    """Return the heading of a table: what its rows have in common."""
    binarization = "" if table.binarization == "none" else f", {table.binarization} binarization"
    return f"{table.dataset}: {table.likelihood}{binarization}, {counted(table.epochs, 'epoch')}"


def explain_table(table: Table) -> str:
    """Return an explanation of the scores in a table."""
    interval = (
        "one seed, so no interval: a second one shows how much of a difference is chance"
        if {len(row.seeds) for row in table.rows} == {1}
        else "mean over seeds ± half the 95 % interval (Student's t)"
    )
    where = f"{table.images:,} images of the {table.part} split"
    validation = "validation is the -ELBO of the epoch with the lowest loss on the validation split"
    cost = (
        "; MFLOPs of encoder and decoder for one image (a multiply-add is two); decode ms for one image"
        if any(row.cost.flops for row in table.rows)
        else ""
    )
    paired = (
        f"; Δ is the difference from {table.baseline}, paired by seed"
        if any(row.difference for row in table.rows)
        else ""
    )
    text = f"Scores on {where}; -ELBO, validation and KL in nats per image; {validation}{paired}{cost}; {interval}."
    given = ", ".join(row.model for row in table.rows if row.conditional)
    if given:
        text += f" {given}: all scores are given the labels, of p(x|y), which is another quantity than p(x)."
    return text + _explain_collapse([row.model for row in table.rows if _has_collapsed(row)])


def _has_collapsed(row: Row) -> bool:
    found = (row.scores.get(key) for key in ("active_units", "kl"))
    return has_collapsed(*(None if summary is None else summary.mean for summary in found))


def _explain_collapse(models: list[str]) -> str:
    if not models:
        return ""
    return f" No latent is active in {', '.join(models)}: the posterior has collapsed onto the prior."


def table_cells(table: Table) -> list[list[str]]:
    """Return a table's header and rows as text, without columns that have no value in any row."""
    columns = make_columns(table)
    return [
        [show(column.heading, most=LONGEST_CELL) for column in columns],
        *([show(column.cell(row), most=LONGEST_CELL) for column in columns] for row in table.rows),
    ]


def _markdown_row(cells: list[str], widths: list[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return f"| {' | '.join([first, *rest])} |"
