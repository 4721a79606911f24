"""The ``zoo benchmark`` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli.keras_import import import_keras
from zoo.cli.options import as_json, callback_option, data_option, executor_options, out_option, read_grid
from zoo.cli.printing import print_json, print_leaderboard, tell


@click.command()
@click.argument("presets", metavar="[PRESET ...]", nargs=-1)
@click.option("--full", is_flag=True, help="Train on the full datasets (default: on the embedded samples).")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of seeds (0, 1, ...) to train each preset with.",
)
@click.option("--epochs", type=click.IntRange(1), help="Number of epochs (default: each recipe's).")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE[,VALUE...]", callback=read_grid,
              help="Recipe settings or architecture options; every combination is trained.")  # fmt: skip
@click.option("--baseline", metavar="NAME", help="Row to compare against (default: the best).")
@executor_options
@click.option(
    "--time-limit", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Time limit for each run."
)
@click.option("--memory-limit", type=click.FloatRange(0, min_open=True), metavar="MIB",
              help="Memory limit for each run (default: an equal share of the available memory).")  # fmt: skip
@callback_option
@out_option
@data_option
@as_json
def benchmark(presets: tuple[str, ...], as_json: bool, out: Path, **options: Any) -> None:
    """Train presets and compare them; without names, train the registry's default set.

    Each run has its own process, here or where the executor puts it. Run again with the same arguments, the command
    continues with what is missing.
    """
    for name in presets:
        zoo.get_model_info(name)
    import_keras()
    leaderboard = zoo.benchmark(presets or None, out=out, **options)
    if as_json:
        print_json(leaderboard.to_dict())
    else:
        print_leaderboard(leaderboard)
    tell(f"wrote {out}/leaderboard.md, .csv and .json, and reconstructions.png")
    if leaderboard.failed:
        sys.exit(1)
