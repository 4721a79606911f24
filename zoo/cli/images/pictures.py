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


def _read_labels(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """Parse one label, or several with commas between them, as a click callback."""
    if value is None:
        return None
    try:
        labels = [int(part) for part in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"{value!r}: expected whole numbers, such as 3 or 3,1,4") from None
    return labels if len(labels) > 1 else labels[0]


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
@click.option("--labels", "given", metavar="N[,N...]", callback=_read_labels,
              help="For a conditional model: one label for all image files or samples, or one for each.")  # fmt: skip
@dataset_option
@part_option
@data_option
def reconstruct(
    source: str, images: tuple[Path, ...], png: Path, kind: str, count: int, seed: int, given: Any,
    dataset: str | None, part: str, data_dir: Path | None,
) -> None:  # fmt: skip
    """Draw originals above reconstructions, for image files or the test split, or another picture of the model."""
    import numpy as np

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
        array = read_images(images, model.image_shape)
        beside = None if given is None else np.array(given if isinstance(given, list) else [given] * len(array))
        labels = beside
    else:
        split = load_split(model, source, dataset, part, data_dir)
        array, labels = split.images, split.labels
        beside = labels if model.takes_labels else None
    if kind == "interpolation" and len(array) < 2:
        raise click.UsageError("an interpolation needs at least two images")
    draw: dict[str, Callable[[], Any]] = {
        "reconstructions": lambda: plots.plot_reconstructions(model, *_cut(None if images else count, array, beside)),
        "samples": lambda: plots.plot_samples(model, columns=count, seed=seed, labels=given),
        "interpolation": lambda: _interpolate(model, array, beside, count),
        "latent-space": lambda: plots.plot_latent_space(model, *_cut(2000, array, labels)),
    }
    write_figure(png, draw[kind]())
    echo(png)


def _cut(most: int | None, images: Any, labels: Any) -> tuple[Any, Any]:
    return images[:most], None if labels is None else labels[:most]


def _interpolate(model: Any, images: Any, labels: Any, count: int) -> Any:
    from zoo import plots
    from zoo.plotted import choose_pairs

    pairs = choose_pairs(model, images, labels)
    if pairs is None:
        raise click.UsageError("an interpolation needs two images that have the same label, since the model takes it")
    first, last, shared = pairs
    return plots.plot_interpolation(model, first, last, count, shared)
