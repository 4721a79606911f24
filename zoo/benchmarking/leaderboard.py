"""The table made from runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.benchmarking import text
from zoo.benchmarking.intervals import summarise
from zoo.evaluation.comparison import FACTS, read_facts
from zoo.files import write_json, write_text
from zoo.runs.run import Run

SCHEMA = 1
SCORES = ("negative_elbo", "cross_entropy", "bits_per_dim", "kl", "mse", "psnr", "ssim")
# Rows of one table agree in all of these; scores of different ones must not be compared.
KEYS = (*FACTS, "epochs")
COSTS = ("flops", "encode_ms", "decode_ms", "peak_memory_mb")


@dataclass(frozen=True)
class Leaderboard:
    """The runs of a benchmark, compared.

    Args:
        tables: for JSON: a table for each dataset, likelihood, binarization and number of epochs, with a row for each
            preset, the best first. A table holds what its rows agree in (``k`` and ``seed`` are those of the scores).
        failed: for JSON: the runs that did not finish, and why.
        path: the folder of the runs.
    """

    tables: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    path: Path

    @classmethod
    def from_runs(
        cls,
        runs: Iterable[Run],
        path: Path,
        failed: Iterable[dict[str, Any]] = (),
        baseline: str | None = None,
    ) -> Leaderboard:
        """Make the tables from run folders.

        Args:
            runs: run folders.
            path: the folder that they are in.
            failed: ``{preset, seed, error}`` of presets that have no run folder.
            baseline: what the rows' differences are from: a preset, an architecture, or a row's ``model``; where a
                table has none of that name, and by default, its best row.
        """
        groups: dict[tuple[Any, ...], dict[str, list[Run]]] = {}
        failed = list(failed)
        for run in runs:
            if run.status != "finished" or run.scores is None:
                config = run.config
                failed.append({"preset": config["preset"], "seed": config["seed"], "error": run.content.error})
                continue
            facts = read_facts(run.scores) | {"epochs": run.config["recipe"]["epochs"]}
            key = tuple(facts[name] for name in KEYS)
            # Only runs that differ in nothing but the seed are repetitions of each other.
            cell = json.dumps({name: value for name, value in run.config.items() if name != "seed"}, sort_keys=True)
            groups.setdefault(key, {}).setdefault(cell, []).append(run)
        tables = [
            dict(zip(KEYS, key, strict=True)) | {"rows": _rows(list(cells.values()), path, baseline)}
            for key, cells in groups.items()
        ]
        return cls(tables, failed, path)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``leaderboard.json``."""
        return {"schema": SCHEMA, "tables": self.tables, "failed": self.failed}

    def save(self) -> None:
        """Write ``leaderboard.json``, ``leaderboard.md`` and ``leaderboard.csv`` into the folder."""
        write_json(self.path / "leaderboard.json", self.to_dict())
        write_text(self.path / "leaderboard.md", self.to_markdown())
        write_text(self.path / "leaderboard.csv", self.to_csv())

    def to_markdown(self) -> str:
        """Return the tables as Markdown."""
        return text.to_markdown(self.tables, self.failed)

    def to_csv(self) -> str:
        """Return all rows as comma-separated values, with a header; numbers are not rounded."""
        return text.to_csv(self.tables)


def _rows(cells: list[list[Run]], folder: Path, baseline: str | None) -> list[dict[str, Any]]:
    labels = _labels([runs[0] for runs in cells])
    rows = []
    for runs, label in zip(cells, labels, strict=True):
        scores = [run.scores or {} for run in runs]
        rates = [run.cost["train_images_per_second"] for run in runs]
        rows.append(
            {
                "preset": runs[0].config["preset"],
                "model": label,
                "seeds": [run.config["seed"] for run in runs],
                "runs": [_relative(run.path, folder) for run in runs],
                "validation": summarise([(run.best or {})["negative_elbo"] for run in runs]),
                **{name: _summary([score[name] for score in scores]) for name in SCORES},
                "parameters": scores[0]["parameters"],
                **{name: _mean([run.cost.get(name) for run in runs]) for name in COSTS},
                "train_seconds": sum(run.cost["train_seconds"] for run in runs) / len(runs),
                "train_images_per_second": sum(rates) / len(rates) if all(rates) else None,
            }
        )
    score = text.main_score(rows)
    by_seed = {
        row["model"]: {run.config["seed"]: (run.scores or {})[score] for run in runs}
        for row, runs in zip(rows, cells, strict=True)
    }
    rows.sort(key=lambda row: row[score]["mean"])
    base = next(
        (row for row in rows if baseline in (row["preset"], row["model"], row["preset"].split("/")[0])), rows[0]
    )
    for rank, row in enumerate(rows, start=1):
        row |= {"rank": rank, "difference": _difference(by_seed[row["model"]], by_seed[base["model"]], row is base)}
        row["baseline"] = base["model"]
    return rows


def _difference(own: dict[int, float], base: dict[int, float], same: bool) -> Any:
    """Return the mean difference from the baseline over the seeds that both have, paired by seed; None for itself."""
    shared = sorted(own.keys() & base.keys())
    return None if same or not shared else summarise([own[seed] - base[seed] for seed in shared])


def _labels(runs: list[Run]) -> list[str]:
    """Name rows by architecture and variant; those of one preset also by the settings in which they differ."""
    labels = []
    for run in runs:
        architecture, _, rest = run.config["preset"].partition("/")
        variant = rest.partition("-")[2]
        settings = _settings(run)
        twins = [_settings(twin) for twin in runs if twin.config["preset"] == run.config["preset"]]
        different = [f"{key}={value}" for key, value in settings.items() if any(it.get(key) != value for it in twins)]
        labels.append(" ".join([architecture, *([variant] if variant else []), *different]))
    return labels


def _settings(run: Run) -> dict[str, Any]:
    return {**run.config["options"], **run.config["recipe"]}


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _summary(values: list[float | None]) -> Any:
    known = [value for value in values if value is not None]
    return summarise(known) if len(known) == len(values) else None


def _mean(values: list[Any]) -> Any:
    """Return the mean over runs, of each entry where they are dicts; None where a run has none."""
    if None in values:
        return None
    if isinstance(values[0], dict):
        return {name: _mean([value.get(name) for value in values]) for name in values[0]}
    return values[0] if len(set(values)) == 1 else sum(values) / len(values)
