"""What the command prints."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
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


def print_json(content: Any) -> None:
    """Print plain data on stdout as JSON."""
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int | None = None) -> None:
    """Print a table on stdout; columns from ``numbers_from`` on are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_header=any(header), show_edge=False, pad_edge=False)
    for index, title in enumerate(header):
        right = numbers_from is not None and index >= numbers_from
        table.add_column(title, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    # Into a file or a pipe nothing is wrapped.
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=1000)
    console.print(table)


def print_scores(scores: dict[str, Any]) -> None:
    """Print a model's scores."""
    data = scores["data"]
    where = f"{data['dataset'] or 'images'}{' ' + data['part'] if data['part'] else ''}, {data['images']:,} images"
    click.echo(f"{where}; likelihood {scores['likelihood']}, binarization {scores['binarization']}")
    rows = []
    for key, (title, unit) in SCORE_TITLES.items():
        value = scores[key]
        if value is not None:
            shown = f"{value:,}" if isinstance(value, int) else f"{value:,.{DIGITS.get(key, 2)}f}"
            rows.append([title, shown, unit])
    if scores["iwae"] is not None:
        rows.append(
            [f"importance-weighted bound, k = {scores['iwae']['k']}", f"{scores['iwae']['nats']:,.2f}", "nats/image"]
        )
    print_table(["score", "value", "unit"], rows)


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
