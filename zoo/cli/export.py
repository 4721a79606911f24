"""The command that takes a model elsewhere: ``zoo export``."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import click

from zoo.cli.options import as_json
from zoo.cli.printing import echo, print_json
from zoo.cli.trained import find_source, load_trained

FORMATS = ("onnx", "saved_model", "litert")  # As in zoo.exporting, which is imported with Keras; a test compares them.
PARTS = ("autoencoder", "encoder", "decoder")


@click.command()
@click.argument("source", metavar="RUN|PRESET")
@click.option("--format", "name", type=click.Choice(FORMATS), required=True, help="Format of the file.")
@click.option("--part", type=click.Choice(PARTS), default=PARTS[0], show_default=True,
              help="What it computes: reconstructions, mean and std of z, or images from z.")  # fmt: skip
@click.option("--batch", metavar="N", type=click.IntRange(1), help="Number of images at a time (default: any).")
@click.option("--input", "dtype", type=click.Choice(["float32", "uint8"]), default="float32", show_default=True,
              help="Type of the images: float32 in [0, 1] or uint8 in 0..255.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="File to write; a folder for saved_model.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
@as_json
def export(
    source: str, name: str, part: str, batch: int | None, dtype: str, out: Path | None, overwrite: bool, as_json: bool
) -> None:  # fmt: skip
    """Write a model for other programs, and check that they compute the same.

    The file is run by its own runtime on 32 images and kept if it gives what the model gives. TensorFlow converts the
    model where it is installed, whatever KERAS_BACKEND says.
    """
    _choose_backend()
    model = load_trained(source)
    from zoo.exporting import export as write

    made = write(
        model,
        out,
        name,
        part=part,
        batch=batch,
        input=dtype,
        overwrite=overwrite,
        about=_find_about(find_source(source)),
    )
    if as_json:
        print_json({
            "path": str(made.path), "format": made.format, "part": made.part, "bytes": made.size,
            "difference": made.difference, "images": made.images, "source": made.source,
        })  # fmt: skip
        return
    echo(made.path)
    echo(
        f"{made.size:,} bytes; differs by at most {made.difference:.1e} from the model on {made.images} {made.source}",
        err=True,
    )


def _choose_backend() -> None:
    """Choose TensorFlow: files of models are the same for all backends, and its converters know more operations."""
    if "keras" not in sys.modules and importlib.util.find_spec("tensorflow") is not None:
        os.environ["KERAS_BACKEND"] = "tensorflow"


def _find_about(source: Path) -> dict[str, Any]:
    """Return the scores and the licence of a run or of trained weights."""
    from zoo.errors import ZooError
    from zoo.runs.published import open_run
    from zoo.weights.folder import WeightsFolder, is_weights_folder

    if not source.is_dir():
        return {}
    try:
        about: dict[str, Any] = {"scores": open_run(source).scores}
        if is_weights_folder(source):
            about["licence"] = WeightsFolder(source).config.licence
    except ZooError:
        return {}
    return about
