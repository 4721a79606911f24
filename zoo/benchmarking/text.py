"""A leaderboard as text: Markdown, and tables of cells for a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

SUMMARIES = (
    "negative_elbo", "cross_entropy", "bits_per_dim", "validation", "kl", "mse", "psnr", "ssim", "difference"
)  # fmt: skip
FACTS = ("dataset", "part", "images", "likelihood", "binarization", "epochs")


def to_markdown(tables: list[dict[str, Any]], failed: list[dict[str, Any]]) -> str:
    """Return tables, and the runs that failed, as Markdown."""
    parts = ["# Leaderboard\n"]
    for table in tables:
        header, *rows = table_cells(table)
        widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
        # Text to the left, numbers to the right.
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        lines = [_markdown_row(row, widths) for row in (header, rule, *rows)]
        parts.append(f"## {describe_table(table)}\n\n" + "\n".join(lines) + f"\n\n{explain_table(table)}\n")
    if failed:
        lines = [f"- {row['preset']}, seed {row['seed']}{_changes(row)}: {row['error']}" for row in failed]
        parts.append("## Failed\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _changes(row: dict[str, Any]) -> str:
    return "".join(f", {key}={value}" for key, value in row.get("settings", {}).items())


def to_csv(tables: list[dict[str, Any]]) -> str:
    """Return the rows of all tables as comma-separated values: means, and the bounds of their 95 % intervals."""
    plain = ("rank", "model", "preset", "baseline", "parameters", "train_seconds", "train_images_per_second")
    header = [*FACTS, *plain, "seeds"]
    header += [f"{name}{end}" for name in SUMMARIES for end in ("", "_low", "_high")]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(header)
    for table in tables:
        for row in table["rows"]:
            summaries = [row[name] or {} for name in SUMMARIES]
            writer.writerow(
                [
                    *(table[name] for name in FACTS),
                    *(row[name] for name in plain),
                    " ".join(map(str, row["seeds"])),
                    *(summary.get(key) for summary in summaries for key in ("mean", "low", "high")),
                ]
            )
    return written.getvalue()


def describe_table(table: dict[str, Any]) -> str:
    """Return the heading of a table: what its rows have in common."""
    binarization = "" if table["binarization"] == "none" else f", {table['binarization']} binarization"
    epochs = f"{table['epochs']} epoch{'s' if table['epochs'] != 1 else ''}"
    return f"{table['dataset']}: {table['likelihood']}{binarization}, {epochs}"


def explain_table(table: dict[str, Any]) -> str:
    """Return what the scores of a table are."""
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
    paired = (
        f"; Δ is the difference from {table['rows'][0]['baseline']}, paired by seed"
        if any(row.get("difference") for row in table["rows"])
        else ""
    )
    return f"Scores on {where}; -ELBO, validation and KL in nats per image; {validation}{paired}{cost}; {interval}."


def table_cells(table: dict[str, Any]) -> list[list[str]]:
    """Return a table's header and rows as text; a column that no row has a value for is left out."""
    score = main_score(table["rows"])
    titles = {"negative_elbo": "-ELBO", "cross_entropy": "cross-entropy", "mse": "mse"}
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "model": lambda row: row["model"],
        "rank": lambda row: str(row.get("rank", "-")),
        "seeds": lambda row: str(len(row["seeds"])),
        titles[score]: lambda row: _number(row[score], 4 if score == "mse" else 1),
        f"Δ {titles[score]}": lambda row: _number(row.get("difference"), 4 if score == "mse" else 1, sign="+"),
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
    """Return the score that orders the rows: the first that all of them have."""
    return next(name for name in ("negative_elbo", "cross_entropy", "mse") if all(row[name] for row in rows))


def _markdown_row(cells: list[str], widths: list[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return f"| {' | '.join([first, *rest])} |"


def _number(summary: Any, digits: int, sign: str = "") -> str:
    if summary is None:
        return "-"
    text = f"{summary['mean']:{sign},.{digits}f}"
    if summary["high"] is not None:
        text += f" ± {summary['high'] - summary['mean']:,.{digits}f}"
    return text


def _plain(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _megaflops(row: dict[str, Any]) -> float | None:
    parts = (row.get("flops") or {"encoder": None}).values()
    return None if None in parts else sum(parts) / 1e6
