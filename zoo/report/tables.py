"""Leaderboard tables with what is needed to sort them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.benchmarking import text
from zoo.report.typography import NONE, typeset

NATS = "nats"
# By a column's title: its name, its unit, what it is, and the number that it is sorted by.
COLUMNS: dict[str, tuple[str, str, str, Callable[[dict[str, Any]], Any]]] = {
    "model": ("model", "", "architecture, variant and settings", lambda row: row["model"]),
    "rank": ("rank", "", "place by the score that orders the table", lambda row: row["rank"]),
    "seeds": ("seeds", "", "how many trainings, each with a seed of its own", lambda row: len(row["seeds"])),
    "-ELBO": ("-ELBO", NATS, "upper bound on -log p(x), on the test split; lower is better",
              lambda row: _mean(row["negative_elbo"])),
    "cross-entropy": ("cross-entropy", NATS, "on the test split; no likelihood; lower is better",
                      lambda row: _mean(row["cross_entropy"])),
    "mse": ("MSE", "", "mean squared error on the test split, values in [0, 1]; lower is better",
            lambda row: _mean(row["mse"])),
    "bits/dim": ("bits/dim", "", "-ELBO in bits for each value of an image; lower is better",
                 lambda row: _mean(row["bits_per_dim"])),
    "validation": ("validation", NATS, "-ELBO of the best epoch on the validation split; lower is better",
                   lambda row: _mean(row["validation"])),
    "KL": ("KL", NATS, "what the latents take; neither better low nor high", lambda row: _mean(row["kl"])),
    "PSNR dB": ("PSNR", "dB", "of reconstructions; higher is better", lambda row: _mean(row["psnr"])),
    "SSIM": ("SSIM", "", "structural similarity of reconstructions, at most 1; higher is better",
             lambda row: _mean(row["ssim"])),
    "parameters": ("parameters", "", "of encoder and decoder", lambda row: row["parameters"]),
    "MFLOPs": ("MFLOPs", "", "of encoder and decoder for one image; a multiply-add is two",
               lambda row: sum((row["flops"] or {}).values())),
    "decode ms": ("decode", "ms", "time of one compiled call of the decoder on one image",
                  lambda row: (row["decode_ms"] or {}).get("1")),
    "images/s": ("speed", "images/s", "in training; higher is better", lambda row: row["train_images_per_second"]),
    "train s": ("training", "s", "all epochs, validation and saving included", lambda row: row["train_seconds"]),
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column's head.

    Args:
        name: its name.
        unit: the unit of its numbers.
        hint: what it is.
        sort: ``ascending`` if the rows come in its order.
        numbers: whether it holds numbers.
    """

    name: str
    unit: str
    hint: str
    sort: str
    numbers: bool


@dataclass(frozen=True)
class Cell:
    """A cell.

    Args:
        text: what it shows.
        interval: half of the 95 % interval, as text; empty if there is none.
        value: what it is sorted by; empty if it has no value.
    """

    text: str
    interval: str
    value: str


def make_table(table: dict[str, Any]) -> tuple[list[Column], list[list[Cell]]]:
    """Return the columns of a leaderboard's table and its rows, as Markdown has them too."""
    header, *rows = text.table_cells(table)
    score = main_title(table)
    columns, values = [], []
    for title in header:
        name, unit, hint, value = COLUMNS.get(title) or _difference(title, table)
        columns.append(
            Column(typeset(name), unit, typeset(hint), "ascending" if title == score else "", title != "model")
        )
        values.append([value(row) for row in table["rows"]])
    cells = [
        [_cell(shown, values[column][number], columns[column]) for column, shown in enumerate(row)]
        for number, row in enumerate(rows)
    ]
    return columns, cells


def main_title(table: dict[str, Any]) -> str:
    """Return the title of the column that orders a table."""
    return {"negative_elbo": "-ELBO", "cross_entropy": "cross-entropy", "mse": "mse"}[text.main_score(table["rows"])]


def _difference(title: str, table: dict[str, Any]) -> tuple[str, str, str, Callable[[dict[str, Any]], Any]]:
    baseline = table["rows"][0]["baseline"]
    unit = "" if title.endswith("mse") else NATS
    hint = f"difference from {baseline}, paired by seed; lower is better"
    return title, unit, hint, lambda row: _mean(row["difference"])


def _cell(shown: str, value: Any, column: Column) -> Cell:
    if shown == "-":
        return Cell(NONE, "", "")
    number, _, interval = shown.partition(" ± ") if column.numbers else (shown, "", "")
    return Cell(typeset(number) if column.numbers else number, interval, str(value))


def _mean(summary: Any) -> Any:
    return None if summary is None else summary["mean"]
