"""The command that publishes a trained model: ``zoo publish``."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import click

from zoo.cli.keras_import import import_keras
from zoo.cli.options import data_option
from zoo.cli.printing import echo, tell
from zoo.weights.config import DEFAULT
from zoo.weights.folder import WeightsFolder
from zoo.weights.sources import HUB, folder_name


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", metavar="FOLDER|hf://USER/REPO",
              help="Folder to make, or repository to upload to (default: weights/ARCHITECTURE/DATASET).")  # fmt: skip
@click.option("--tag", default=DEFAULT, show_default=True, help="Name of these weights among those of the preset.")
@click.option("--licence", metavar="SPDX", help="Licence of the weights, such as MIT.")
@click.option("--importance-samples", metavar="K", type=click.IntRange(0), default=0,
              help="Samples for the importance-weighted bound in the scores (default: 0, which omits it).")  # fmt: skip
@click.option("--compress", metavar="N", type=click.IntRange(0), default=0,
              help="Compress the first N test images, and let the card say what they take.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace weights that are in the folder.")
@click.option("--yes", is_flag=True, help="Upload without asking.")
@data_option
def publish(
    run: Path, to: str | None, tag: str, licence: str | None, importance_samples: int, compress: int, overwrite: bool,
    yes: bool, data_dir: Path | None,
) -> None:  # fmt: skip
    """Make a folder of trained weights, with scores and a card, from a finished RUN; or upload it to the hub."""
    if to is not None and to.startswith(HUB):
        from zoo.weights.hub import check_client, parse_address

        parse_address(to)
        check_client(to)
    import_keras()
    from zoo.publishing import publish as make

    def make_folder(folder: Path | None, *, replace: bool) -> WeightsFolder:
        return make(
            run, folder, tag=tag, licence=licence, importance_samples=importance_samples, compress=compress,
            data_dir=data_dir, overwrite=replace, tell=tell,
        )  # fmt: skip

    if to is None or not to.startswith(HUB):
        made = make_folder(None if to is None else Path(to), replace=overwrite)
        _print_next(made)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = make_folder(Path(folder, "weights"), replace=False)
        _upload(made, to, yes=yes)


def _upload(made: WeightsFolder, to: str, *, yes: bool) -> None:
    from zoo.weights.hub import upload

    files = sorted(item for item in made.path.iterdir() if item.is_file())
    for item in files:
        echo(f"{item.stat().st_size:>12,}  {item.name}")
    if not yes:
        click.confirm(f"Upload these {len(files)} files to {to}, where others can see them?", abort=True, err=True)
    echo(upload(made.path, to, f"Weights of {made.config.name}"))


def _print_next(made: WeightsFolder) -> None:
    config = made.config
    echo(made.path)
    size = sum(item.stat().st_size for item in made.path.iterdir())
    echo(f"{config.parameters:,} parameters as {config.dtype}, {size:,} bytes in all", err=True)
    path = shlex.quote(str(made.path))
    name = folder_name(config.preset, config.tag)
    echo(
        f"use them: zoo evaluate {path}; or by name, from a folder WEIGHTS/{config.architecture}/{name} with "
        f"ZOO_WEIGHTS=WEIGHTS, or from a package's folder weights/{name} beside its hook",
        err=True,
    )
