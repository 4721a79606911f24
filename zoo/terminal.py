"""What the command prints."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from zoo.benchmarking import Leaderboard

SCORE_TITLES = {
    "negative_elbo": ("-ELBO", "nats/image"),
    "reconstruction": ("reconstruction", "nats/image"),
    "kl": ("KL divergence", "nats/image"),
    "bits_per_dim": ("bits per dimension", ""),
    "cross_entropy": ("cross-entropy (no likelihood)", "nats/image"),
    "mse": ("mean squared error", ""),
    "psnr": ("PSNR", "dB"),
    "ssim": ("SSIM", ""),
    "active_units": ("active latents", ""),
    "parameters": ("parameters", ""),
}
DIGITS = {"bits_per_dim": 3, "mse": 5, "ssim": 4}
BOUND = "importance-weighted bound"
GAP = 3  # Between the columns of a table.


def print_json(content: Any) -> None:
    """Print plain data on stdout as JSON."""
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int | None = None) -> None:
    """Print a table on stdout; columns from ``numbers_from`` on are aligned to the right.

    On a terminal columns of numbers that have no room are printed below the others, with the first column again.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Into a file or a pipe nothing is wrapped.
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=1000)
    columns = range(len(header))
    tables = [columns] if numbers_from is None else _fit(header, rows, console.width)
    for number, shown in enumerate(tables):
        if number:
            console.print()
        table = Table(box=box.SIMPLE_HEAD, show_header=any(header), show_edge=False, pad_edge=False)
        for index in shown:
            right = numbers_from is not None and index >= numbers_from
            table.add_column(header[index], justify="right" if right else "left", no_wrap=right, overflow="fold")
        for row in rows:
            table.add_row(*(Text(row[index]) for index in shown))
        console.print(table)


def _fit(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Sequence[int]]:
    """Give the columns of the tables that fit into a width; each begins with the first column."""
    widths = [max(len(row[index]) for row in (header, *rows)) + GAP for index in range(len(header))]
    tables: list[list[int]] = [[0]]
    for index in range(1, len(header)):
        if len(tables[-1]) > 1 and sum(widths[used] for used in (*tables[-1], index)) > width + GAP:
            tables.append([0])
        tables[-1].append(index)
    return [*tables]


def print_scores(scores: dict[str, Any]) -> None:
    """Print a model's scores, and what it costs if that is among them."""
    click.echo(_describe_facts({**scores["data"], **scores}))
    rows = []
    for key, (title, unit) in SCORE_TITLES.items():
        if scores[key] is not None:
            rows.append([title, _show(scores[key], key), unit])
    if scores["iwae"] is not None:
        rows.append([f"{BOUND}, k = {scores['iwae']['k']}", _show(scores["iwae"]["nats"]), "nats/image"])
    print_table(["score", "value", "unit"], rows + _cost_rows(scores.get("cost") or {}))


def _cost_rows(cost: dict[str, Any]) -> list[list[str]]:
    """Give lines of two values each: of encoder and decoder, or of one image and of a batch."""
    flops = {part: None if count is None else count / 1e6 for part, count in (cost.get("flops") or {}).items()}
    peak = cost.get("peak_memory_mb")
    rows = [
        [
            f"{title}, {' / '.join(values)}{what}",
            " / ".join("-" if it is None else _show(it) for it in values.values()),
            unit,
        ]
        for title, values, what, unit in (
            ("operations", flops, "", "MFLOPs/image"),
            ("time to encode", cost.get("encode_ms") or {}, " images", "ms"),
            ("time to decode", cost.get("decode_ms") or {}, " images", "ms"),
        )
        if any(it is not None for it in values.values())
    ]
    return rows + ([["peak memory of the process", f"{peak:,.0f}", "MiB"]] if peak is not None else [])


def print_comparison(comparison: dict[str, Any]) -> None:
    """Print two results side by side, and what their difference does not tell."""
    facts = comparison["facts"]
    click.echo(_describe_facts(facts) + (f", k {facts['k']}" if facts["k"] else "") + f", seed {facts['seed']}")
    parts = [dict(_flatten(comparison[name])) for name in ("first", "second", "difference")]
    rows = []
    for keys, difference in parts[2].items():
        named = " ".join(keys[keys[0] == "cost" :]).replace("_", " ")
        title, _ = SCORE_TITLES.get(keys[-1], (BOUND if keys[0] == "iwae" else named, ""))
        shown = [_show(part[keys], keys[-1]) for part in parts[:2]]
        rows.append([title, *shown, _show(difference, keys[-1], sign="+")])
    print_table(["score", "first", "second", "difference"], rows, numbers_from=1)
    click.echo(f"\n{comparison['note']}")


def _describe_facts(facts: dict[str, Any]) -> str:
    where = f"{facts['dataset'] or 'images'}{' ' + facts['part'] if facts['part'] else ''}, {facts['images']:,} images"
    return f"{where}; likelihood {facts['likelihood']}, binarization {facts['binarization']}"


def _flatten(tree: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, (*above, name))
        else:
            yield (*above, name), value


def _show(value: float, key: str = "", sign: str = "") -> str:
    return f"{value:{sign},}" if isinstance(value, int) else f"{value:{sign},.{DIGITS.get(key, 2)}f}"


def print_leaderboard(leaderboard: Leaderboard) -> None:
    """Print a leaderboard's tables and the runs that failed."""
    from zoo.benchmarking.leaderboard import describe_table, explain_table, table_cells

    for table in leaderboard.tables:
        header, *rows = table_cells(table)
        click.echo(describe_table(table))
        print_table(header, rows, numbers_from=1)
        click.echo(explain_table(table) + "\n")
    for row in leaderboard.failed:
        click.echo(f"failed: {row['preset']}, seed {row['seed']}: {row['error']}")


def import_keras() -> None:
    """Import Keras without what its backend's libraries print on the way; shown if the import fails."""
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if sys.stderr.isatty():
        click.echo("zoo: starting Keras ...\r", err=True, nl=False)
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            import keras

            keras.backend.backend()
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
        except BaseException:
            noise.seek(0)
            os.write(kept, noise.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    if sys.stderr.isatty():
        click.echo("                       \r", err=True, nl=False)
