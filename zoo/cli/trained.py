"""Inputs of commands: a trained model, and the images to use with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli.keras_import import import_keras
from zoo.cli.printing import tell
from zoo.registry.specs import FOLDER


def load_trained(source: Path) -> Any:
    """Load the model from a run folder or a file, and warn about anything doubtful."""
    if not source.exists():
        raise click.BadParameter(f"{source}: no such run folder or file")
    import_keras()
    tell_doubts(source)
    return zoo.load_model(source)


def tell_doubts(source: Path) -> None:
    """Warn if the content of a run folder may not match its record."""
    if source.is_dir():
        for doubt in zoo.Run(source).doubts():
            tell(f"warning: {doubt}")


def load_split(model: Any, source: Path, dataset: str | None, part: str, data_dir: Path | None) -> Any:
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
