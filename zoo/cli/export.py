"""The commands that take a model elsewhere: ``zoo export`` and ``zoo explore``."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli.options import as_json, data_option, seed_option
from zoo.cli.printing import echo, print_json
from zoo.cli.trained import find_source, load_samplers, load_split, load_trained
from zoo.registry.specs import FOLDER

FORMATS = (
    "onnx",
    "saved_model",
    "litert",
    "torch",
)  # As in zoo.exporting, which is imported with Keras; a test compares them.
RUNTIMES = ("own", "onnx")  # As in zoo.explorer.
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

    The file is run by its own runtime on 32 images and kept if it gives what the model gives. Whatever KERAS_BACKEND
    says, PyTorch writes its own format, and TensorFlow all others where it is installed.
    """
    _choose_backend("torch" if name == "torch" else "tensorflow")
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


def _choose_backend(name: str = "tensorflow") -> None:
    """Choose the backend that converts best: files of models are the same for all of them."""
    if "keras" not in sys.modules and importlib.util.find_spec(name) is not None:
        os.environ["KERAS_BACKEND"] = name


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


@click.command()
@click.argument("source", metavar="RUN|PRESET")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="HTML file to write (default: the model's name, in the working folder).")  # fmt: skip
@click.option("--data", "dataset", metavar="DATASET",
              help="Dataset whose test images are on the map (default: the one the model was trained on).")  # fmt: skip
@data_option
@seed_option
@click.option("--sampler", "names", metavar="NAME", multiple=True,
              help="Sampler to fit to the training images, such as gaussian_mixture:10; again for more.")  # fmt: skip
@click.option("--runtime", type=click.Choice(RUNTIMES), default=RUNTIMES[0], show_default=True,
              help="What runs the model in the page: the page's own interpreter, or ONNX Runtime.")  # fmt: skip
@click.option("--runtime-file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="ONNX Runtime: the file that npm pack onnxruntime-web makes.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace the file.")
@as_json
def explore(
    source: str, out: Path | None, dataset: str | None, data_dir: Path | None, seed: int, names: tuple[str, ...],
    runtime: str, runtime_file: Path | None, overwrite: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write a page in which one explores a model's latent space with the mouse; the model runs in the page.

    It draws samples from the prior, by samplers that are saved in the folder samplers of RUN, and by those that
    --sampler names. TensorFlow converts the model where it is installed, whatever KERAS_BACKEND says.
    """
    if (runtime == "onnx") is (runtime_file is None):
        raise click.UsageError("--runtime onnx and --runtime-file go together")
    _choose_backend()
    model = load_trained(source)
    from zoo.explorer.write import SUFFIX, name_of

    out = out or Path(name_of(model).replace("/", "-") + SUFFIX)
    data = _load_dataset(model, dataset, data_dir)
    samplers = load_samplers(model, source)
    if names:
        known = load_split(model, source, dataset, "train", data_dir)
        samplers += [zoo.samplers.fit(model, known, name, seed=seed, progress=True) for name in names]
    made = zoo.explore(
        model, out, data, data_dir=data_dir, seed=seed, overwrite=overwrite, runtime=runtime,
        runtime_file=runtime_file, samplers=samplers,
    )  # fmt: skip
    if as_json:
        print_json({"path": str(made.path), "bytes": made.size})
        return
    echo(made.path)
    echo(f"{made.size:,} bytes: open it in a browser", err=True)


def _load_dataset(model: Any, dataset: str | None, data_dir: Path | None) -> Any:
    if dataset is None:
        return None
    if dataset.startswith(FOLDER):
        return zoo.load_images(dataset.removeprefix(FOLDER), model.image_shape)
    return zoo.load_dataset(dataset, data_dir=data_dir)
