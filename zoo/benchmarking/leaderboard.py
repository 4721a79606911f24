"""The table made from runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.benchmarking.intervals import summarise
from zoo.evaluation.comparison import FACTS, read_facts
from zoo.files import write_json, write_text
from zoo.training.run import Run

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
    def from_runs(cls, runs: Iterable[Run], path: Path, failed: Iterable[dict[str, Any]] = ()) -> Leaderboard:
        """Make the tables from run folders.

        Args:
            runs: run folders.
            path: the folder that they are in.
            failed: ``{preset, seed, error}`` of presets that have no run folder.
        """
        groups: dict[tuple[Any, ...], dict[str, list[Run]]] = {}
        failed = list(failed)
        for run in runs:
            if run.status != "finished" or run.scores is None:
                config = run.config
                failed.append({"preset": config["preset"], "seed": config["seed"], "error": run.record["error"]})
                continue
            facts = read_facts(run.scores) | {"epochs": run.config["recipe"]["epochs"]}
            key = tuple(facts[name] for name in KEYS)
            # Only runs that differ in nothing but the seed are repetitions of each other.
            cell = json.dumps({name: value for name, value in run.config.items() if name != "seed"}, sort_keys=True)
            groups.setdefault(key, {}).setdefault(cell, []).append(run)
        tables = [
            dict(zip(KEYS, key, strict=True)) | {"rows": _rows(list(cells.values()), path)}
            for key, cells in groups.items()
        ]
        return cls(tables, failed, path)

    def to_dict(self) -> dict[str, Any]:
        """Give the content of ``leaderboard.json``."""
        return {"schema": SCHEMA, "tables": self.tables, "failed": self.failed}

    def save(self) -> None:
        """Write ``leaderboard.json`` and ``leaderboard.md`` into the folder."""
        write_json(self.path / "leaderboard.json", self.to_dict())
        write_text(self.path / "leaderboard.md", self.to_markdown())

    def to_markdown(self) -> str:
        """Give the tables as Markdown."""
        parts = ["# Leaderboard\n"]
        for table in self.tables:
            header, *rows = table_cells(table)
            widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
            # Text to the left, numbers to the right.
            rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
            lines = [_markdown_row(row, widths) for row in (header, rule, *rows)]
            parts.append(f"## {describe_table(table)}\n\n" + "\n".join(lines) + f"\n\n{explain_table(table)}\n")
        if self.failed:
            lines = [f"- {row['preset']}, seed {row['seed']}: {row['error']}" for row in self.failed]
            parts.append("## Failed\n\n" + "\n".join(lines) + "\n")
        return "\n".join(parts)


def describe_table(table: dict[str, Any]) -> str:
    """Give the heading of a table: what its rows have in common."""
    binarization = "" if table["binarization"] == "none" else f", {table['binarization']} binarization"
    epochs = f"{table['epochs']} epoch{'s' if table['epochs'] != 1 else ''}"
    return f"{table['dataset']}: {table['likelihood']}{binarization}, {epochs}"


def explain_table(table: dict[str, Any]) -> str:
    """Say what the scores of a table are."""
    seeds = {len(row["seeds"]) for row in table["rows"]}
    interval = (
        "one seed, so no interval: a second one shows how much of a difference is chance"
        if seeds == {1}
        else "mean over seeds ± half the 95 % interval (Student's t)"
    )
    where = f"{table['images']:,} images of the {table['part']} split"
    validation = "validation is the -ELBO of the epoch with the lowest loss on the validation split"
    cost = (
        "; MFLOPs of encoder and decoder for one image (a multiply-add is two); decode ms for one image"
        if any(row.get("flops") for row in table["rows"])
        else ""
    )
    return f"Scores on {where}; -ELBO, validation and KL in nats per image; {validation}{cost}; {interval}."


def table_cells(table: dict[str, Any]) -> list[list[str]]:
    """Give a table's header and rows as text; a column that no row has a value for is left out."""
    score = main_score(table["rows"])
    titles = {"negative_elbo": "-ELBO", "cross_entropy": "cross-entropy", "mse": "mse"}
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "model": lambda row: row["model"],
        "seeds": lambda row: str(len(row["seeds"])),
        titles[score]: lambda row: _number(row[score], 4 if score == "mse" else 1),
        "bits/dim": lambda row: _number(row["bits_per_dim"], 3),
        "validation": lambda row: _number(row["validation"], 1),
        "KL": lambda row: _number(row["kl"], 1),
        "PSNR dB": lambda row: _number(row["psnr"], 1),
        "SSIM": lambda row: _number(row["ssim"], 3),
        "parameters": lambda row: f"{row['parameters']:,}",
        "MFLOPs": lambda row: _plain(_megaflops(row), 1),
        "decode ms": lambda row: _plain((row.get("decode_ms") or {}).get("1"), 1),
        "images/s": lambda row: _plain(row["train_images_per_second"]),
        "train s": lambda row: _plain(row["train_seconds"]),
    }
    cells = {title: [show(row) for row in table["rows"]] for title, show in columns.items()}
    shown = [title for title, column in cells.items() if set(column) != {"-"}]
    return [shown, *(list(line) for line in zip(*(cells[title] for title in shown), strict=True))]


def main_score(rows: list[dict[str, Any]]) -> str:
    """Give the score that orders the rows: the first that all of them have."""
    return next(name for name in ("negative_elbo", "cross_entropy", "mse") if all(row[name] for row in rows))


def _markdown_row(cells: list[str], widths: list[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return f"| {' | '.join([first, *rest])} |"


def _rows(cells: list[list[Run]], folder: Path) -> list[dict[str, Any]]:
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
    score = main_score(rows)
    return sorted(rows, key=lambda row: row[score]["mean"])


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


def _number(summary: Any, digits: int) -> str:
    if summary is None:
        return "-"
    text = f"{summary['mean']:,.{digits}f}"
    if summary["high"] is not None:
        text += f" ± {summary['high'] - summary['mean']:,.{digits}f}"
    return text


def _plain(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _megaflops(row: dict[str, Any]) -> float | None:
    parts = (row.get("flops") or {"encoder": None}).values()
    return None if None in parts else sum(parts) / 1e6


def _mean(values: list[Any]) -> Any:
    """Give the mean over runs, of each entry where they are dicts; None where a run has none."""
    if None in values:
        return None
    if isinstance(values[0], dict):
        return {name: _mean([value.get(name) for value in values]) for name in values[0]}
    return values[0] if len(set(values)) == 1 else sum(values) / len(values)
