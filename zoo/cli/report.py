"""The ``zoo report`` command."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.keras_import import import_keras
from zoo.cli.options import data_option
from zoo.cli.printing import echo
from zoo.cli.trained import find_source

REPORT_FILE = "report.html"


@click.command()
@click.argument("folder", metavar="DIR|PRESET")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write (default: DIR/report.html; for a preset report.html).",
)
@data_option
@click.option("--explore", is_flag=True, help="Let the latent space of each model be explored, as zoo explore does.")
@click.option("--models", type=click.IntRange(1), default=50, show_default=True,
              help="Models of each table that get a page and a place in the charts, the best first.")  # fmt: skip
@click.option("--samples", metavar="N", type=click.IntRange(4),
              help="Compare N samples of each model with as many test images, for models of digits.")  # fmt: skip
@click.option("--sampler", "samplers", metavar="NAME", multiple=True,
              help="Sampler to fit to each model's training images, such as two_stage; again for more.")  # fmt: skip
def report(
    folder: str, out: Path | None, data_dir: Path | None, explore: bool, models: int, samples: int | None,
    samplers: tuple[str, ...],
) -> None:  # fmt: skip
    """Write one self-contained HTML file about the runs in DIR: tables, charts and a page for each model.

    With a preset's name, about its trained weights. Samples by samplers that are saved in the folder samplers of a run
    are shown, too.
    """
    source = find_source(folder, folders=True)
    if not source.is_dir():
        raise click.BadParameter(f"{folder}: expected a folder")
    if out is None and source != Path(folder):
        out = Path(REPORT_FILE)  # The weights of a package are not the user's to write beside.
    if out is not None and not out.absolute().parent.is_dir():
        raise click.BadParameter(f"--out {out}: the folder {out.parent} does not exist")
    import_keras()
    from zoo.report import write_report

    made = write_report(
        source, out, data_dir=data_dir, explore=explore, models=models, samples=samples or 0, samplers=samplers,
        progress=True,
    )  # fmt: skip
    echo(made)
