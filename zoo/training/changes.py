"""What has changed since a run began, or belongs to another run, so that it could not be resumed exactly."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.autoencoder.model import AutoEncoder
from zoo.errors import RunError
from zoo.factory.create import create_from_preset
from zoo.registry.presets import Preset
from zoo.registry.signatures import PARTS
from zoo.runs.record import PluginOrigin, Provenance
from zoo.runs.run import Run
from zoo.shown import show_line
from zoo.training.warm_start import find_difference

ANEW = "train it from scratch (overwrite=True, --overwrite)"


def refuse_changes(run: Run, before: Provenance, here: Provenance) -> None:
    """Compare the provenance of a run when it began with the present one; warn of what changes only the last digits.

    Raises:
        RunError: the zoo, the plugin, the backend or the images have changed.
    """
    what = {"zoo": "zoo", "plugin": "plugin", "backend": "Keras backend", "dataset": "images of the dataset"}
    for name, title in what.items():
        then, now = getattr(before, name), getattr(here, name)
        if then != now:
            shown = ": the SHA-256 differs" if name == "dataset" else _compare(then, now)
            raise RunError(f"{run.path}: the {title} changed since the run began{shown}: restore it, or {ANEW}")
    if None not in (before.plugin_sources, here.plugin_sources) and before.plugin_sources != here.plugin_sources:
        raise RunError(f"{run.path}: the code of the plugin changed since the run began: restore it, or {ANEW}")
    for name in ("packages", "threads"):
        then, now = getattr(before, name), getattr(here, name)
        if then != now:
            warnings.warn(
                show_line(
                    f"{run.path}: {name} changed since the run began{_compare(then, now)}: "
                    "the last digits of results may differ"
                ),
                stacklevel=3,
            )


def refuse_other_model(file: Path, model: AutoEncoder, plan: Preset, seed: int, dataset: str) -> None:
    """Compare a checkpoint with a new model of the run's plan.

    What callbacks may change, such as the learning rate or the KL weight, may differ.

    Args:
        file: the checkpoint's file.
        model: what was read from it.
        plan: the run's plan.
        seed: the run's seed.
        dataset: the name of the run's dataset.

    Raises:
        RunError: they differ in origin, architecture, shapes, likelihood, binarization, optimizer or seed.
    """
    planned = create_from_preset(plan, seed)
    here = {**(planned.provenance or {}), "trained_on": dataset}
    difference = _find_other_origin(model.provenance or {}, here) or find_difference(model, planned)
    for name, then, now in (
        ("likelihood", model.likelihood.identifier, planned.likelihood.identifier),
        ("binarization", model.binarization, planned.binarization),
        ("optimizer", type(model.optimizer).__name__, type(planned.optimizer).__name__),
        ("seed", model.seed, planned.seed),
    ):
        if difference is None and then != now:
            difference = f"its {name} is {then}, here it is {now}"
    if difference is not None:
        raise RunError(f"{file} is not of the run that its run.json describes: {difference}: restore them, or {ANEW}")


def _find_other_origin(then: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Return the first difference between the origins of two models, in what both of them say."""
    for name in ("preset", "trained_on"):
        if name in then and then[name] != now.get(name):
            return f"its {name.replace('_', ' ')} is {then[name]!r}, here it is {now.get(name)!r}"
    for part in PARTS:
        theirs, ours = (found.get(part) or {} for found in (then, now))
        for name in theirs.keys() & ours.keys():
            if theirs[name] != ours[name]:
                return f"the {name} of its {part} is {theirs[name]!r}, here it is {ours[name]!r}"
    return None


def _compare(before: Any, now: Any) -> str:
    before, now = (vars(found) if isinstance(found, PluginOrigin) else found for found in (before, now))
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        before, now = ({key: found.get(key) for key in keys} for found in (before, now))
    return f" (then {_show(before)}, now {_show(now)})"


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value)
