"""The ``zoo search`` command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli.keras_import import import_keras
from zoo.cli.options import (
    as_json,
    data_option,
    executor_options,
    read_settings,
    read_space,
    seed_option,
)
from zoo.cli.printing import echo, print_json, print_table, tell

SHOWN = 10  # Trials in the table; the files have all.


@click.command()
@click.argument("preset")
@click.option("--space", multiple=True, required=True, metavar="KEY=VALUES", callback=read_space,
              help="Setting to choose: loguniform(1e-4,1e-2), uniform(0,1), integers(8,64) or 8,16,32.")  # fmt: skip
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="Number of trials.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", callback=read_settings,
              help="Setting that is the same for all trials.")  # fmt: skip
@click.option("--epochs", type=click.IntRange(1), help="Number of epochs (default: the recipe's).")
@click.option("--full", is_flag=True, help="Train on the full dataset (default: on the embedded sample).")
@click.option(
    "--time-limit", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Time limit for each run."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("search"), show_default=True,
              help="Folder of the trials' runs and of the result.")  # fmt: skip
@executor_options
@seed_option
@data_option
@as_json
def search(preset: str, as_json: bool, out: Path, jobs: int | None, **options: Any) -> None:
    """Search for the settings of PRESET that are best on the validation split.

    Optuna proposes them; a trial that is worse than the median of the earlier ones is ended. Run again with the same
    arguments, the command goes on. --jobs is the number of trials at a time.
    """
    zoo.get_model_info(preset)
    import_keras()
    found = zoo.search(preset, out=out, jobs=jobs or 1, **options)
    if as_json:
        print_json(found.to_dict())
    else:
        rows = found.rows()
        print_table(found.header, rows[:SHOWN], numbers_from=1)
        if len(rows) > SHOWN:
            echo(f"and {len(rows) - SHOWN} more in {out}/search.md")
    tell(f"wrote {out}/search.md, .json, .png and .yaml: zoo --registry {out}/search.yaml train {found.found}")
