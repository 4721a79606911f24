"""Inputs of commands: a trained model, and the images to use with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli.keras_import import import_keras
from zoo.cli.printing import tell
from zoo.registry import catalogue
from zoo.registry.specs import FOLDER
from zoo.weights.config import split_name
from zoo.weights.folder import is_weights_folder
from zoo.weights.sources import HUB, find_weights

_OF_RUNS = ("run.json", "model.keras")


def find_source(given: str, *, folders: bool = False) -> Path:
    """Return the run folder, the file or the folder of trained weights that an argument names.

    Args:
        given: a path; a preset's name, ``residual/mnist`` or ``residual/mnist@tag``, for its trained weights; or
            ``hf://user/repo@revision``.
        folders: whether any folder will do, such as one that contains runs.

    Raises:
        click.BadParameter: there is nothing of this name.
        UnknownNameError: it is no preset of an architecture.
        WeightsNotFoundError: the preset has no trained weights.
    """
    path = Path(given)
    if given.startswith(HUB):
        return find_weights(given, None).path
    holds = path.is_file() or is_weights_folder(path) or any((path / name).exists() for name in _OF_RUNS)
    if holds or (folders and path.is_dir()):
        return path
    # A folder of runs has folders that are called as presets are.
    name, tag = split_name(given)
    if "/" in name and name.partition("/")[0] in zoo.list_models() and FOLDER not in name:
        return find_weights(tag, catalogue.preset(name)).path
    if path.exists():
        return path
    raise click.BadParameter(f"{given}: no such run folder or file, nor a preset (zoo list --presets)")


def load_trained(given: str) -> Any:
    """Load the model from a run folder or a file, or a preset's trained one, and warn about anything doubtful."""
    source = find_source(given)
    import_keras()
    tell_doubts(source)
    return zoo.load_model(source)


def load_samplers(model: Any, given: str) -> list[Any]:
    """Load the samplers that are saved beside a model, and warn about those that cannot be loaded."""
    from zoo.samplers.files import load_saved

    return load_saved(find_source(given), model, lambda error: tell(f"warning: {error}"))


def open_result(given: str) -> Any:
    """Return the run that an argument names, or the path of another file."""
    from zoo.runs.published import open_run

    source = find_source(given)
    tell_doubts(source)
    return open_run(source) if source.is_dir() else source


def tell_doubts(source: Path) -> None:
    """Warn if the content of a run folder may not match its record."""
    if source.is_dir():
        from zoo.runs.published import open_run

        for doubt in open_run(source).doubts():
            tell(f"warning: {doubt}")


def load_split(model: Any, source: str, dataset: str | None, part: str, data_dir: Path | None) -> Any:
    """Return the split to use with a model: of the requested dataset, or else of the registered one in its file."""
    if dataset is None:
        dataset = (model.provenance or {}).get("trained_on")
        if dataset is None:
            raise click.UsageError(f"{source} does not say what it was trained on: pass --data DATASET")
        # A file that comes from elsewhere must not choose the folder that is read.
        if dataset not in zoo.list_datasets():
            what = "no dataset known here: pass --data DATASET"
            if dataset.startswith(FOLDER):
                what = "not read because a file says so: pass --data DATASET, such as this folder if it is yours"
            raise click.UsageError(f"{source} was trained on {dataset!r}, which is {what}")
    if dataset.startswith(FOLDER):
        return getattr(zoo.load_images(dataset.removeprefix(FOLDER), model.image_shape), part)
    return getattr(zoo.load_dataset(dataset, data_dir=data_dir), part)
