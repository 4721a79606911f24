"""The plan of a run: a preset with all changes, checked, and as plain data."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from zoo.data.dataset import Dataset
from zoo.data.given import describe_given
from zoo.errors import ArchitectureError, UnknownNameError
from zoo.factory.create import check_preset
from zoo.registry import catalogue
from zoo.registry.presets import Preset, make_preset, merge_options
from zoo.registry.recipe import RECIPE_KEYS
from zoo.registry.specs import FOLDER
from zoo.runs.record import RunConfig


def plan_run(
    preset: str, *, epochs: int | None = None, sample: bool = False, data: Dataset | None = None, **overrides: Any
) -> Preset:
    """Return the preset with all changes; arguments and errors as in ``train``.

    Callbacks are added to those of the recipe; every other setting replaces the recipe's.
    """
    plan = _find_plan(preset, sample) if data is None else _plan_for(preset, sample, data)
    settings = {key: value for key, value in overrides.items() if key in RECIPE_KEYS}
    if "callbacks" in settings:
        added = plan.recipe.replace(callbacks=settings["callbacks"]).callbacks
        settings["callbacks"] = (*plan.recipe.callbacks, *added)
    if epochs is not None:
        settings["epochs"] = epochs
    options = {key: value for key, value in overrides.items() if key not in RECIPE_KEYS}
    plan = dataclasses.replace(plan, recipe=plan.recipe.replace(**settings), config=merge_options(plan.config, options))
    # A builder that cannot be imported makes the run fail later, so that its folder records the reason.
    with contextlib.suppress(ArchitectureError):
        try:
            check_preset(plan)
        except TypeError as error:
            if not options:
                raise
            raise TypeError(f"{error}; or a recipe setting: {', '.join(RECIPE_KEYS)}") from None
    return plan


def _find_plan(preset: str, sample: bool) -> Preset:
    if "/" not in preset:
        catalogue.architecture(preset)
        raise UnknownNameError(
            f"{preset!r} is an architecture: expected a preset such as '{preset}/mnist', or images (data=)"
        )
    return catalogue.preset(sample_name(preset) if sample else preset)


def _plan_for(architecture: str, sample: bool, data: Dataset) -> Preset:
    """Return the preset of an architecture for images in memory, to which no settings of the registry apply."""
    if sample:
        raise ValueError("data= and sample are both given: expected one of them")
    if "/" in architecture:
        raise ValueError(
            f"data= is given with the preset {architecture!r}: expected an architecture such as "
            f"{architecture.partition('/')[0]!r}, or no data"
        )
    spec = describe_given(data)
    return make_preset(f"{architecture}/{spec.name}", catalogue.architecture(architecture), spec, {}, {})


def sample_name(preset: str) -> str:
    """Return the matching preset on the embedded sample: ``a/mnist-binary`` becomes ``a/mnist_sample-binary``.

    Raises:
        UnknownNameError: the dataset has no embedded sample.
    """
    architecture, _, rest = preset.partition("/")
    dataset, dash, variant = rest.partition("-")
    if rest.startswith(FOLDER):
        raise UnknownNameError(f"{rest} has no embedded sample: train on all of it (benchmark with --full, full=True)")
    if dataset.endswith("_sample"):
        return preset
    if f"{dataset}_sample" not in catalogue.list_datasets():
        catalogue.preset(preset)
        raise UnknownNameError(f"dataset {dataset!r} has no embedded sample: train on all of it")
    return f"{architecture}/{dataset}_sample{dash}{variant}"


def describe_plan(plan: Preset, seed: int) -> RunConfig:
    """Return the configuration to store in ``run.json``; its values are plain data for JSON."""
    options = merge_options(plan.architecture.defaults_for(plan.dataset.image_shape), plan.config)
    return RunConfig(
        preset=plan.name,
        architecture=plan.architecture.name,
        dataset=plan.dataset.name,
        image_shape=plan.dataset.image_shape,
        options={key: _plain(value) for key, value in sorted(options.items())},
        recipe=plan.recipe.to_dict(),
        seed=seed,
    )


def _plain(value: Any) -> Any:
    if callable(value):
        return getattr(value, "__qualname__", repr(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()  # A NumPy scalar.
    finite = not isinstance(value, float) or math.isfinite(value)
    return value if isinstance(value, str | int | float | bool | None) and finite else repr(value)
