"""The leaderboard made from runs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.benchmarking import text
from zoo.benchmarking.intervals import Summary, summarise
from zoo.benchmarking.table import FailedRun, Row, Table
from zoo.errors import RunError, counted
from zoo.evaluation.comparison import FACTS, read_facts
from zoo.files import write_json, write_text
from zoo.notebooks import show_table, show_text, show_title
from zoo.registry.specs import FOLDER
from zoo.runs.record import BestEpoch, Cost
from zoo.runs.run import RUN_FILE, Run
from zoo.score import CONDITIONAL, DESCRIPTIONS, Score
from zoo.score_names import main_score
from zoo.shown import show

SCHEMA = 1
BOARD_FILE = "leaderboard.json"
# All rows of a table agree in these; scores that differ in one of them must not be compared.
KEYS = (*FACTS, "epochs")


@dataclass(frozen=True, repr=False)
class Leaderboard:
    """The runs of a benchmark, compared.

    Args:
        tables: a table for each dataset, likelihood, binarization and number of epochs, with a row for each preset,
            the best first. A table holds the facts that its rows share (``k`` and ``seed`` are those of the scores).
        failed: the runs that did not finish, and why.
        path: the folder of the runs.
    """

    tables: list[Table]
    failed: list[FailedRun]
    path: Path

    @classmethod
    def from_runs(
        cls,
        runs: Iterable[Run],
        path: Path,
        failed: Iterable[FailedRun] = (),
        baseline: str | None = None,
    ) -> Leaderboard:
        """Make the tables from run folders.

        Args:
            runs: run folders.
            path: the folder that contains them.
            failed: runs that have no run folder.
            baseline: the row to compare against: a preset, an architecture, or a row's ``model``; by default, and in
                a table without such a row, the best row.
        """
        groups: dict[tuple[Any, ...], dict[str, list[Run]]] = {}
        failed = list(failed)
        for run in runs:
            content = run.content
            if content.status != "finished" or content.scores is None:
                failed.append(FailedRun(content.config.preset, content.config.seed, content.error))
                continue
            facts = read_facts(content.scores) | {"epochs": content.config.recipe["epochs"]}
            key = tuple(facts[name] for name in KEYS)
            # Only runs that differ in nothing but the seed are repetitions of each other.
            cell = json.dumps({name: value for name, value in run.config.items() if name != "seed"}, sort_keys=True)
            groups.setdefault(key, {}).setdefault(cell, []).append(run)
        tables = [
            _table(dict(zip(KEYS, key, strict=True)), list(cells.values()), path, baseline)
            for key, cells in groups.items()
        ]
        return cls(tables, failed, path)

    def __repr__(self) -> str:
        parts = [f"{table.dataset}, {counted(len(table.rows), 'row')}" for table in self.tables]
        failed = [f"{len(self.failed)} failed"] if self.failed else []
        return show(f"Leaderboard({self.path}: {'; '.join([*parts, *failed]) or 'empty'})")

    def _repr_html_(self) -> str:
        shown = []
        for table in self.tables:
            header, *rows = text.table_cells(table)
            shown += [show_title(text.describe_table(table)), show_table(header, rows, numbers_from=1)]
            shown.append(show_text(text.explain_table(table)))
        shown += [show_text(f"failed: {text.describe_failure(run)}") for run in self.failed]
        return "".join(shown)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``leaderboard.json``."""
        tables = [table.to_dict() for table in self.tables]
        return {"schema": SCHEMA, "tables": tables, "failed": [run.to_dict() for run in self.failed]}

    def save(self) -> None:
        """Write ``leaderboard.json``, ``leaderboard.md`` and ``leaderboard.csv`` into the folder."""
        write_json(self.path / BOARD_FILE, self.to_dict())
        write_text(self.path / "leaderboard.md", self.to_markdown())
        write_text(self.path / "leaderboard.csv", self.to_csv())

    def to_markdown(self) -> str:
        """Return the tables as Markdown."""
        return text.to_markdown(self.tables, self.failed)

    def to_csv(self) -> str:
        """Return all rows as comma-separated values, with a header; numbers are not rounded."""
        return text.to_csv(self.tables)


def _table(facts: Mapping[str, Any], cells: list[list[Run]], folder: Path, baseline: str | None) -> Table:
    metrics: dict[str, Any] = {}
    for run in (run for runs in cells for run in runs):
        metrics = {**((run.content.scores or {}).get(DESCRIPTIONS) or {}), **metrics}
    table = Table(**facts, metrics=metrics or None)
    return replace(table, rows=_rows(cells, folder, baseline, table.scores(over_seeds=True)))


def _rows(cells: list[list[Run]], folder: Path, baseline: str | None, scores: list[Score]) -> tuple[Row, ...]:
    swept = _swept([runs[0] for runs in cells])
    made = [(_row(runs, settings, folder, scores), runs) for runs, settings in zip(cells, swept, strict=True)]
    main = main_score(row.scores for row, _ in made)
    by_seed = {
        row.model: {run.content.config.seed: float(main.read(run.content.scores or {})) for run in runs}
        for row, runs in made
    }
    rows = sorted((row for row, _ in made), key=lambda row: _mean_of(row, main), reverse=main.lower_is_better is False)
    base = next((row for row in rows if baseline in (row.preset, row.model, row.preset.split("/")[0])), rows[0])
    return tuple(
        replace(
            row,
            rank=rank,
            difference=None if row is base else _difference(by_seed[row.model], by_seed[base.model]),
            baseline=base.model,
        )
        for rank, row in enumerate(rows, start=1)
    )


def _row(runs: list[Run], settings: dict[str, Any], folder: Path, shown: list[Score]) -> Row:
    scores = [run.content.scores or {} for run in runs]
    return Row(
        preset=runs[0].content.config.preset,
        model=_label(runs[0], settings),
        seeds=tuple(run.content.config.seed for run in runs),
        runs=tuple(_relative(run.path, folder) for run in runs),
        validation=summarise([_best(run).negative_elbo for run in runs]),
        scores={it.key: _summary([it.read(score) for score in scores]) for it in shown},
        # The number of epochs requested is a fact of the table; the number trained is not a cost of the model.
        cost=replace(_mean_cost([run.content.cost for run in runs]), parameters=scores[0]["parameters"], epochs=None),
        settings=settings or None,
        conditional=bool(scores[0].get(CONDITIONAL)),
    )


def _mean_of(row: Row, score: Score) -> float:
    summary = row.scores[score.key]
    return math.nan if summary is None else summary.mean


def _best(run: Run) -> BestEpoch:
    best = run.content.best
    if best is None:
        raise RunError(f"{run.path / RUN_FILE} is damaged: the run is finished, but has no best epoch")
    return best


def _difference(own: dict[int, float], base: dict[int, float]) -> Summary | None:
    """Return the mean difference from the baseline, paired by seed, over the seeds that both have."""
    shared = sorted(own.keys() & base.keys())
    return summarise([own[seed] - base[seed] for seed in shared]) if shared else None


def _swept(runs: list[Run]) -> list[dict[str, Any]]:
    """Return for each run the settings in which rows of the same preset differ."""
    settings = [(run.content.config.preset, _settings(run)) for run in runs]
    different: dict[str, set[str]] = {}
    first: dict[str, dict[str, Any]] = {}
    for preset, own in settings:
        usual = first.setdefault(preset, own)
        keys = different.setdefault(preset, set())
        keys |= {key for key in own.keys() | usual.keys() if own.get(key) != usual.get(key)}
    return [{key: value for key, value in own.items() if key in different[preset]} for preset, own in settings]


def _label(run: Run, settings: dict[str, Any]) -> str:
    """Return a row's name: architecture and variant, and the settings that differ."""
    architecture, _, rest = run.content.config.preset.partition("/")
    variant = "" if rest.startswith(FOLDER) else rest.partition("-")[2]
    different = [f"{key}={value}" for key, value in settings.items()]
    return " ".join([architecture, *([variant] if variant else []), *different])


def _settings(run: Run) -> dict[str, Any]:
    config = run.content.config
    start = {} if config.start is None else {"start": config.start[:8]}
    return {**config.options, **config.recipe, **start}


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _summary(values: Sequence[float | None]) -> Summary | None:
    known = [value for value in values if value is not None]
    return summarise(known) if len(known) == len(values) else None


def _mean_cost(costs: list[Cost]) -> Cost:
    """Return means over runs; None if a run lacks a value."""
    return Cost(**{name: _mean([getattr(cost, name) for cost in costs]) for name in vars(costs[0])})


def _mean(values: Sequence[Any]) -> Any:
    """Return the mean, entry by entry for mappings; None if a value is None."""
    if None in values:
        return None
    if isinstance(values[0], dict):
        return {name: _mean([value.get(name) for value in values]) for name in values[0]}
    return values[0] if len(set(values)) == 1 else sum(values) / len(values)
