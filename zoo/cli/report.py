"""The ``zoo report`` command."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.keras_import import import_keras
from zoo.cli.options import data_option
from zoo.cli.printing import echo


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write (default: DIR/report.html).",
)
@data_option
def report(folder: Path, out: Path | None, data_dir: Path | None) -> None:
    """Write one self-contained HTML file about the runs in DIR: tables, charts and a page for each model."""
    if not folder.is_dir():
        raise click.BadParameter(f"{folder}: no such folder")
    if out is not None and not out.absolute().parent.is_dir():
        raise click.BadParameter(f"--out {out}: the folder {out.parent} does not exist")
    import_keras()
    from zoo.report import write_report

    echo(write_report(folder, out, data_dir=data_dir, progress=True))
