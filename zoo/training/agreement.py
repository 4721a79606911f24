"""Whether a checkpoint is of the run that its ``run.json`` describes: either may have been edited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.autoencoder.model import AutoEncoder
from zoo.errors import RunError
from zoo.factory.create import create_from_preset
from zoo.registry.presets import Preset
from zoo.registry.signatures import PARTS
from zoo.training.changes import ANEW
from zoo.training.warm_start import find_difference


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
