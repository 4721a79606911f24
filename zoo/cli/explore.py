"""The command that writes a page about a model: ``zoo explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli.options import as_json, data_option, seed_option
from zoo.cli.printing import echo, print_json
from zoo.cli.trained import load_trained
from zoo.registry.specs import FOLDER

RUNTIMES = ("own", "onnx")  # As in zoo.explorer, which is imported with Keras; a test compares them.


@click.command()
@click.argument("source", metavar="RUN|PRESET")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="HTML file to write (default: the model's name, in the working folder).")  # fmt: skip
@click.option("--data", "dataset", metavar="DATASET",
              help="Dataset whose test images are on the map (default: the one the model was trained on).")  # fmt: skip
@data_option
@seed_option
@click.option("--runtime", type=click.Choice(RUNTIMES), default=RUNTIMES[0], show_default=True,
              help="What runs the model in the page: the page's own interpreter, or ONNX Runtime.")  # fmt: skip
@click.option("--runtime-file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="ONNX Runtime: the file that npm pack onnxruntime-web makes.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace the file.")
@as_json
def explore(
    source: str, out: Path | None, dataset: str | None, data_dir: Path | None, seed: int, runtime: str,
    runtime_file: Path | None, overwrite: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write a page in which one explores a model's latent space with the mouse; the model runs in the page."""
    if (runtime == "onnx") is (runtime_file is None):
        raise click.UsageError("--runtime onnx and --runtime-file go together")
    model = load_trained(source)
    from zoo.explorer.write import SUFFIX, name_of

    out = out or Path(name_of(model).replace("/", "-") + SUFFIX)
    data = _load_dataset(model, dataset, data_dir)
    made = zoo.explore(
        model, out, data, data_dir=data_dir, seed=seed, overwrite=overwrite, runtime=runtime, runtime_file=runtime_file
    )
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
