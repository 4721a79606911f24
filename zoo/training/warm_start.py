"""Starting a training from the weights of an earlier model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from zoo.autoencoder.model import AutoEncoder
from zoo.errors import RunError
from zoo.files import sha256_of
from zoo.registry.signatures import PARTS
from zoo.runs.published import open_run
from zoo.runs.record import RunConfig, StartingPoint
from zoo.runs.run import Run
from zoo.saving.load import MODEL_FILE, load_model

# Parts of a layer's configuration that differ between two builds of the same network, or only between precisions.
_IGNORED = frozenset((
    "name", "dtype", "seed", "trainable", "inbound_nodes", "input_layers", "output_layers", "build_config",
    "compile_config", "shared_object_id",
))  # fmt: skip


def find_start(source: Run | str | Path) -> StartingPoint:
    """Return the model file to start from.

    Args:
        source: a run, its folder, a folder of trained weights, or a ``.keras`` file.

    Raises:
        RunError: there is no such file.
    """
    path = source.path if isinstance(source, Run) else Path(source)
    file = open_run(path).model_file if path.is_dir() else path
    if not file.is_file():
        what = f"it has no {MODEL_FILE}" if path.is_dir() else "no such run folder or .keras file"
        raise RunError(f"{path}: {what}: expected a model to start from")
    try:
        return StartingPoint(str(file.absolute()), sha256_of(file, links=not path.is_dir()))
    except OSError as error:
        raise RunError(f"{file}: cannot be read: {error.strerror}") from error


def find_start_again(start: StartingPoint) -> StartingPoint:
    """Return the model file that a run started from, once more.

    Raises:
        RunError: it is missing or has changed.
    """
    file = Path(start.path)
    if not file.is_file():
        raise RunError(f"{file}, the model that the run started from, is missing: restore it")
    try:
        same = sha256_of(file, links=True) == start.sha256
    except OSError as error:
        raise RunError(f"{file}, the model that the run started from, cannot be read: {error.strerror}") from error
    if not same:
        raise RunError(f"{file} is no longer the model that the run started from: the SHA-256 differs: restore it")
    return start


def check_options(start: StartingPoint, config: RunConfig) -> None:
    """Compare a plan with the configuration of the run to start from, before anything is built.

    Raises:
        RunError: they differ in the architecture, its options or the shape of the images.
    """
    folder = Path(start.path).parent
    run = open_run(folder)
    if Path(start.path).name != run.model_file.name or run.state == "damaged":
        return  # A file of its own: the models are compared once they are there.
    earlier = run.content.config
    facts = [{"architecture": it.architecture, "image_shape": it.image_shape, **it.options} for it in (earlier, config)]
    for key in dict.fromkeys((*facts[0], *facts[1])):
        then, now = (found.get(key) for found in facts)
        if then != now:
            raise RunError(_refuse(start, f"its {key} is {then!r}, here it is {now!r}"))


def copy_weights(start: StartingPoint, model: AutoEncoder) -> None:
    """Give a new model the weights of an earlier one; optimizer, KL schedule and random states stay new.

    Args:
        start: the file of the earlier model.
        model: the new model.

    Raises:
        ModelLoadError: the file cannot be loaded.
        RunError: the models differ; the message names the first difference.
    """
    earlier = load_model(start.path)
    difference = find_difference(earlier, model)
    if difference is not None:
        raise RunError(_refuse(start, difference))
    for old, new in zip(earlier.weights, model.weights, strict=True):
        if new is not model.kl_step:
            new.assign(old)


def _refuse(start: StartingPoint, difference: str) -> str:
    return f"{start.path} cannot be the start: {difference}: expected a model of the same architecture and options"


def find_difference(earlier: AutoEncoder, model: AutoEncoder) -> str | None:
    """Return the first difference between two models, as part of a sentence; None if their weights are alike."""
    for part in PARTS:
        names = [((it.provenance or {}).get(part) or {}).get("architecture") for it in (earlier, model)]
        if None not in names and names[0] != names[1]:
            return f"its {part} is of {names[0]}, here it is of {names[1]}"
    for what, then, now in (
        ("class", type(earlier).__name__, type(model).__name__),
        ("image shape", earlier.image_shape, model.image_shape),
        ("latent shape", earlier.latent_shape, model.latent_shape),
    ):
        if then != now:
            return f"its {what} is {then}, here it is {now}"
    for part in PARTS:
        trees = [keras.saving.serialize_keras_object(getattr(it, part)) for it in (earlier, model)]
        for where, then, now in _compare(trees[0], trees[1], part):
            return f"its {where} is {then!r}, here it is {now!r}"
    shapes = [[tuple(weight.shape) for weight in it.weights] for it in (earlier, model)]
    if shapes[0] != shapes[1]:
        return f"its weights have the shapes {shapes[0]}, here they have {shapes[1]}"
    return None


def _compare(then: Any, now: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield where two configurations differ, with both values."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*then, *now)):
            if key not in _IGNORED:
                yield from _compare(then.get(key), now.get(key), where if key == "config" else f"{where}.{key}")
    elif isinstance(then, list | tuple) and isinstance(now, list | tuple):
        if len(then) != len(now):
            yield f"number of {where}", len(then), len(now)
        for index, (old, new) in enumerate(zip(then, now, strict=False)):
            yield from _compare(old, new, f"{where}[{index}]")
    elif then != now:
        yield where, then, now
