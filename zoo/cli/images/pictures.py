"""The command that draws pictures of a model: ``zoo reconstruct``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from zoo.cli.options import data_option, dataset_option, part_option, source_argument
from zoo.cli.printing import echo
from zoo.cli.trained import load_split, load_trained
from zoo.files import write_figure


@click.command()
@source_argument
@click.argument("images", metavar="[IMAGE ...]", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", "png", metavar="PNG", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(["reconstructions", "samples", "interpolation", "latent-space"]),
              default="reconstructions", show_default=True)  # fmt: skip
@click.option("--count", type=click.IntRange(2, 40), default=10, show_default=True, help="Number of images in a row.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed for the samples from the prior."
)
@dataset_option
@part_option
@data_option
def reconstruct(
    source: str, images: tuple[Path, ...], png: Path, kind: str, count: int, seed: int,
    dataset: str | None, part: str, data_dir: Path | None,
) -> None:  # fmt: skip
    """Draw originals above reconstructions, for image files or the test split, or another picture of the model."""
    from zoo import plots
    from zoo.data.image_files import read_images

    if images and kind == "samples":
        raise click.UsageError("samples are drawn from the prior: pass no images, or choose another --kind")
    if png.suffix.lower() != ".png":
        raise click.BadParameter(f"--out {png}: expected a file name ending in .png")
    if not png.parent.is_dir():
        raise click.BadParameter(f"--out {png}: the folder {png.parent} does not exist")
    model = load_trained(source)
    if images:
        array, labels = read_images(images, model.image_shape), None
    else:
        split = load_split(model, source, dataset, part, data_dir)
        array, labels = split.images, split.labels
    if kind == "interpolation" and len(array) < 2:
        raise click.UsageError("an interpolation needs at least two images")
    draw: dict[str, Callable[[], Any]] = {
        "reconstructions": lambda: plots.plot_reconstructions(model, array if images else array[:count]),
        "samples": lambda: plots.plot_samples(model, columns=count, seed=seed),
        "interpolation": lambda: plots.plot_interpolation(
            model, array[: len(array) // 2][:4], array[len(array) // 2 :][: min(4, len(array) // 2)], count
        ),
        "latent-space": lambda: plots.plot_latent_space(model, array[:2000], None if labels is None else labels[:2000]),
    }
    write_figure(png, draw[kind]())
    echo(png)
