"""A leaderboard's table with its charts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from zoo.benchmarking.intervals import Summary
from zoo.benchmarking.table import Row, Table
from zoo.benchmarking.text import describe_table, explain_table
from zoo.errors import RunError, counted
from zoo.report.charts import Series, draw_curves, draw_points
from zoo.report.collecting import Collection
from zoo.report.tables import Cell, Column, make_table
from zoo.report.typography import typeset
from zoo.runs.history import History
from zoo.runs.record import Cost
from zoo.runs.run import Run

GLYPHS = "●■▲◆▼✚✖⬟◀▶"  # The same shapes as MARKERS of the charts.
ENOUGH = 3  # Seeds needed to draw an interval; that of two is 12.7 times as wide as their spread.
COSTS: dict[str, tuple[str, Callable[[Cost], float | None]]] = {
    "size": ("parameters, millions", lambda cost: cost.parameters / 1e6 if cost.parameters is not None else None),
    "latency": ("time to decode one image, ms", lambda cost: (cost.decode_ms or {}).get("1")),
    "training time": ("training time, s", lambda cost: cost.train_seconds),
}


@dataclass(frozen=True)
class Figure:
    """A chart with its title and caption."""

    title: str
    svg: Markup
    caption: str


@dataclass
class Entry:
    """The model of a row, with its colour and its page.

    Args:
        index: determines colour and mark.
        name: the row's name.
        anchor: anchor of the page.
        row: row of the leaderboard.
        runs: the runs, by seed.
    """

    index: int
    name: str
    anchor: str
    row: Row
    runs: list[Run]

    @property
    def glyph(self) -> str:
        """The mark as a character."""
        return GLYPHS[self.index % len(GLYPHS)]

    @property
    def colour(self) -> str:
        """The colour as CSS."""
        return f"var(--series-{self.index % 10})"


@dataclass
class Group:
    """Runs that may be compared: a table, its charts, its models."""

    name: str
    anchor: str
    facts: list[str]
    score: str
    columns: list[Column]
    rows: list[tuple[Entry, list[Cell]]]
    explanation: str
    most: int
    figures: list[Figure] = field(default_factory=list)

    @property
    def entries(self) -> list[Entry]:
        """The models that have a page and a place in the charts, best first."""
        return [entry for entry, _ in self.rows[: self.most]]


def make_groups(collection: Collection, most: int) -> list[Group]:
    """Return the groups of a report, with their charts.

    Args:
        collection: the runs.
        most: the number of models of each table, the best first, that have a page and a place in the charts.
    """
    taken: set[str] = set()
    groups = []
    for table, name in zip(collection.leaderboard.tables, _name(collection.leaderboard.tables), strict=True):
        anchor = _free(f"group-{_slug(name)}", taken)
        entries = [
            Entry(index, row.model, _free(f"model-{_slug(name)}-{_slug(row.model)}", taken), row,
                  collection.runs_of(row))
            for index, row in enumerate(table.rows)
        ]  # fmt: skip
        columns, cells = make_table(table)
        binarization = [] if table.binarization == "none" else [f"{table.binarization} binarization"]
        facts = [
            table.likelihood.replace("_", " "), *binarization,
            counted(table.epochs, "epoch"),
            f"{table.images:,} {table.part} images",
        ]  # fmt: skip
        rows = list(zip(entries, cells, strict=True))
        group = Group(name, anchor, facts, table.main.heading, columns, rows, typeset(explain_table(table)), most)
        group.figures = _draw(group, table)
        groups.append(group)
    return groups


def _name(tables: list[Table]) -> list[str]:
    """Return a name for each table: the dataset's, with as many of the other facts as it takes to tell them apart."""
    kinds: tuple[Callable[[Table], str], ...] = (
        lambda table: str(table.dataset),
        describe_table,
        lambda table: f"{describe_table(table)}, {table.images:,} images {(table.sha256 or '')[:8]}",
    )
    names = [[kind(table) for table in tables] for kind in kinds]
    return [
        next((row[index] for row in names if row.count(row[index]) == 1), names[-1][index])
        for index in range(len(tables))
    ]


def _draw(group: Group, table: Table) -> list[Figure]:
    score = table.main
    unit = f", {score.unit.replace('/', ' per ')}" if score.unit else ""
    figures = []
    curves = [curve for entry in group.entries if (curve := _curve(entry))]
    if curves:
        what = "Validation -ELBO" if score.path == ("negative_elbo",) else "Validation reconstruction + KL"
        several = any(len(entry.runs) > 1 for entry in group.entries)
        caption = "Lower is better." + (
            " Lines: means over seeds; bands: from the lowest to the highest seed." * several
        )
        label = f"Lines: {what} by epoch of {_names(group)}"
        svg = draw_curves(curves, f"{group.anchor}-curves", f"{what}, nats per image", label)
        figures.append(Figure("Learning curves", svg, caption))
    for key, (xlabel, cost) in COSTS.items():
        points = [_point(entry, cost(entry.row.cost), entry.row.scores[score.key]) for entry in group.entries]
        known = [point for point in points if point]
        if len(known) > 1:
            bars = " Bars: 95 % intervals over seeds." if any(point.low for point in known) else ""
            label = f"Marks: test {score.name} against {xlabel} of {_names(group)}"
            svg = draw_points(known, f"{group.anchor}-{key[:4]}", f"Test {score.name}{unit}", xlabel, label)
            figures.append(Figure(f"Quality against {key}", svg, f"Lower left is better.{bars}"))
    rates = [rate for entry in group.entries if (rate := _rate(entry))]
    if sum(len(rate.x) for rate in rates) > 1:
        label = f"Marks: reconstruction term against KL divergence of {_names(group)}, one for each run"
        svg = draw_points(
            rates, f"{group.anchor}-rate", "Distortion: -log p(x|z), nats per image", "rate: KL, nats per image", label,
            bounds=True,
        )  # fmt: skip
        caption = "One mark for each run. \N{MINUS SIGN}ELBO is the same along a dashed line; lower is better."
        figures.append(Figure("Rate against distortion", svg, caption))
    return figures


def _curve(entry: Entry) -> Series | None:
    histories = [values for run in entry.runs if (values := read_history(run, "val_negative_elbo"))]
    if not histories:
        return None
    # If some runs ended early, cut all to the same length, so that every mean is over the same runs.
    epochs = min(map(len, histories))
    curves = np.array([history[:epochs] for history in histories])
    low, high = (curves.min(axis=0), curves.max(axis=0)) if len(curves) > 1 else (None, None)
    return Series(entry.index, range(1, epochs + 1), curves.mean(axis=0), low, high)


def read_history(run: Run, column: str) -> list[float] | None:
    """Return a column of a run's history, by epoch; None if it cannot be read."""
    try:
        return History.read(run.path).columns.get(column)
    except RunError:
        return None


def draw_training(entry: Entry) -> Figure | None:
    """Draw the training and validation -ELBO of each run of a model; None if no history can be read."""
    series = []
    for run in entry.runs:
        for column, dashed in (("val_negative_elbo", False), ("negative_elbo", True)):
            values = read_history(run, column)
            if values:
                series.append(Series(entry.index, range(1, len(values) + 1), values, dashed=dashed))
    if not series:
        return None
    label = f"Lines: -ELBO on training and validation images by epoch, {len(entry.runs)} runs of {entry.name}"
    title = "-ELBO, nats per image"
    svg = draw_curves(series, f"{entry.anchor}-training", title, label)
    return Figure("Training", svg, "Solid: validation; dotted and hollow: training, averaged over each epoch.")


def _point(entry: Entry, x: float | None, score: Summary | None) -> Series | None:
    if x is None or score is None:
        return None
    if score.low is None or score.high is None or score.n < ENOUGH:
        return Series(entry.index, [x], [score.mean])
    return Series(entry.index, [x], [score.mean], [score.low], [score.high])


def _rate(entry: Entry) -> Series | None:
    scores = [run.scores or {} for run in entry.runs]
    known = [(it["kl"], it["reconstruction"]) for it in scores if None not in (it["kl"], it["reconstruction"])]
    return Series(entry.index, [kl for kl, _ in known], [rest for _, rest in known]) if known else None


def _names(group: Group) -> str:
    return ", ".join(entry.name for entry in group.entries)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-") or "unnamed"


def _free(anchor: str, taken: set[str]) -> str:
    number = 1
    while (found := anchor if number == 1 else f"{anchor}-{number}") in taken:
        number += 1
    taken.add(found)
    return found
