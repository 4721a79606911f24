"""An architecture's options, and checks that the given ones are valid."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.errors import ArchitectureError, one_line
from zoo.factory.resolve import Builder, Resolved, describe
from zoo.registry.fields import check_shape
from zoo.registry.recipe import RECIPE_KEYS
from zoo.registry.specs import LATENT_OPTIONS, Architecture


def as_latent_shape(
    value: Any, image_shape: tuple[int, ...], options: Mapping[str, Any] | None = None
) -> tuple[int, ...]:
    """Return a latent shape from an int, a tuple, or a function of the image shape, or of it and the options."""
    if callable(value):
        takes_options = len(inspect.signature(value).parameters) > 1
        value = value(image_shape, options or {}) if takes_options else value(image_shape)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        value = (int(value),)
    return check_shape(value, "latent_shape")


def choose_latent_shape(
    architecture: Architecture, image_shape: tuple[int, ...], given: Any, config: Mapping[str, Any] | None = None
) -> tuple[int, ...]:
    """Return the given latent shape or, for None, the architecture's default, which may depend on its options."""
    if given is not None:
        return as_latent_shape(given, image_shape)
    defaults = architecture.defaults_for(image_shape)
    for option in LATENT_OPTIONS:
        if option in defaults:
            try:
                return as_latent_shape(defaults[option], image_shape, {**defaults, **(config or {})})
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                raise ArchitectureError(f"{describe(architecture)}: default {option}: {one_line(error)}") from error
    raise TypeError(
        f"architecture {architecture.name} has no default latent size: pass latent_dim= (an int) or latent_shape="
    )


def take_latent(config: dict[str, Any]) -> Any:
    """Pop the latent's size from options; return None if absent, raise ``TypeError`` if it is set twice."""
    given = [config.pop(option) for option in LATENT_OPTIONS if option in config]
    if len(given) > 1:
        raise TypeError("latent_dim and latent_shape are both given: expected one of them")
    return given[0] if given else None


def check_options(config: Mapping[str, Any], architectures: tuple[Resolved, ...]) -> None:
    """Raise ``TypeError``, listing the valid options, unless each one reaches a builder of these architectures."""
    valid = sorted(set().union(*(resolved.options for resolved in architectures)))
    names = " and ".join(dict.fromkeys(resolved.architecture.name for resolved in architectures))
    _refuse_unknown(config, [*LATENT_OPTIONS, *valid], names)
    for resolved in architectures:
        _check_kinds(config, resolved.architecture)


def check_part_options(config: Mapping[str, Any], architecture: Architecture, builder: Builder) -> None:
    """Raise ``TypeError``, listing the valid options, unless each one reaches this builder."""
    # The latent's size belongs to both parts.
    _refuse_unknown(config, sorted(builder.options), f"the {builder.part} of {architecture.name}")
    _check_kinds(config, architecture)


def _check_kinds(config: Mapping[str, Any], architecture: Architecture) -> None:
    """Raise ``TypeError`` if an option and its default differ in kind, such as text and a number."""
    for key, value in config.items():
        default = architecture.defaults.get(key)
        wanted = _kind(default)
        if key in LATENT_OPTIONS or wanted is None or value is None:
            continue
        if _kind(value) != wanted or (default and wanted == "list" and not _alike(value, default)):
            raise TypeError(
                f"option {key} of {architecture.name} is {value!r}: expected {_KINDS[wanted]} like {default!r}"
            )


_KINDS = {"flag": "true or false", "number": "a number", "text": "text", "list": "a list", "mapping": "a mapping"}


def _kind(value: Any) -> str | None:
    kinds: tuple[tuple[str, Any], ...] = (
        ("flag", bool | np.bool_), ("number", numbers.Number), ("text", str), ("list", list | tuple | np.ndarray),
        ("mapping", Mapping),
    )  # fmt: skip
    return next((kind for kind, types in kinds if isinstance(value, types)), None)


def _alike(values: Any, default: Any) -> bool:
    """Whether a list is non-empty and its entries are of the same kinds as the default's."""
    return len(values) > 0 and {_kind(value) for value in values} <= {_kind(value) for value in default}


def _takers(key: str) -> str:
    """Return what takes a setting of the recipe, for a message."""
    if key == "binarization":
        return "zoo.train or zoo.AutoEncoder"
    if key in ("optimizer", "kl_weight", "free_bits", "importance_samples", "precision", "augmentation"):
        return "zoo.train or the model's compile"
    if key in ("learning_rate", "weight_decay"):
        return "zoo.train, or an optimizer that has it to the model's compile"
    return "zoo.train or the model's fit" if key in ("batch_size", "epochs") else "zoo.train"


def _refuse_unknown(config: Mapping[str, Any], valid: list[str], where: str) -> None:
    for key in config:
        if key not in valid:
            hint = f" ({key} is a recipe setting: pass it to {_takers(key)})" if key in RECIPE_KEYS else ""
            raise TypeError(f"unknown option {key!r} for {where}: expected one of {', '.join(valid)}{hint}")
