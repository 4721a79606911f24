"""Presets, ``architecture/dataset[-variant]``, made from architectures, datasets and overrides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from zoo.registry.recipe import Recipe
from zoo.registry.specs import LATENT_OPTIONS, Architecture, DatasetSpec

Overrides = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Preset:
    """An architecture's defaults with a dataset's recipe, plus the registry's changes to both.

    Args:
        name: ``architecture/dataset[-variant]``.
        architecture: the architecture.
        dataset: the dataset.
        config: options that override the architecture's defaults.
        recipe: how it is trained.
        reference: recorded figures, such as the number of parameters; empty if none are recorded.
        weights: where trained weights lie on the hub, and the SHA-256 of their arrays, by their tags:
            ``{default: {hub: hf://user/repo@revision, sha256: ...}}``.
    """

    name: str
    architecture: Architecture
    dataset: DatasetSpec
    config: Mapping[str, Any]
    recipe: Recipe
    reference: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def preset_names(
    architectures: Mapping[str, Architecture], datasets: Mapping[str, DatasetSpec], overrides: Overrides
) -> list[str]:
    """Return every preset's name, sorted: those of ``architecture/dataset``, and the variants that overrides add.

    Args:
        architectures: the architectures by name; one has presets for the datasets whose images it takes.
        datasets: the datasets by name.
        overrides: the registry's presets; a variant may be for several architectures and datasets.
    """
    pairs = [
        (name, other)
        for name, architecture in architectures.items()
        for other, dataset in datasets.items()
        if architecture.takes(dataset.image_shape)
    ]
    names = [f"{architecture}/{dataset}" for architecture, dataset in pairs]
    for pattern in overrides:
        left, _, right = pattern.partition("/")
        base, _, variant = right.partition("-")
        if variant and not any(wildcard in variant for wildcard in "*?["):
            names += [
                f"{architecture}/{dataset}-{variant}"
                for architecture, dataset in pairs
                if fnmatchcase(architecture, left) and fnmatchcase(dataset, base)
            ]
    return sorted(set(names))


def merge_options(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with changes applied; each way of setting the latent's size replaces the other."""
    if any(option in changes for option in LATENT_OPTIONS):
        options = {key: value for key, value in options.items() if key not in LATENT_OPTIONS}
    return {**options, **changes}


def make_preset(
    name: str,
    architecture: Architecture,
    dataset: DatasetSpec,
    recipe: Mapping[str, Any],
    overrides: Overrides,
) -> Preset:
    """Assemble one preset.

    Args:
        name: the preset's name.
        architecture: its architecture.
        dataset: its dataset.
        recipe: the registry's settings for the dataset, which override the dataset's own recipe.
        overrides: the registry's presets; patterns apply before exact names, and a variant starts from the settings
            of the preset without it. A pattern's ``latent_dim`` is not for architectures whose latent is a map.

    Returns:
        The preset.

    Raises:
        ValueError: a recipe value is not valid.
    """
    config: dict[str, Any] = {}
    settings = {**dataset.recipe, **recipe}
    reference: Mapping[str, Any] = {}
    weights: Mapping[str, Mapping[str, str]] = {}
    base = f"{architecture.name}/{dataset.name}"
    for target in dict.fromkeys((base, name)):
        for pattern in sorted(overrides, key=lambda key: key == target):
            if fnmatchcase(target, pattern):
                entry = overrides[pattern]
                changes = entry.get("config", {})
                if pattern != target and "latent_shape" in architecture.defaults:
                    # A number of latents for all that have a vector of them, which those with a map do not.
                    changes = {key: value for key, value in changes.items() if key != "latent_dim"}
                config = merge_options(config, changes)
                settings.update(entry.get("recipe", {}))
                if target == name:
                    reference = {**reference, **entry.get("reference", {})}
                    weights = {**weights, **entry.get("weights", {})}
    return Preset(name, architecture, dataset, config, Recipe().replace(**settings), reference, weights)
