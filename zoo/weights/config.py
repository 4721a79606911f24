"""``config.json`` of a weights folder: what the arrays beside it are the weights of, every field checked."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from zoo.errors import ModelLoadError, RunError
from zoo.json_checks import check_count, check_counts, check_plain, check_whole
from zoo.json_fields import from_json, optional, to_json

FORMAT: Literal[1] = 1
DEFAULT = "default"  # The tag of weights that have none.
_TAG = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
# Options decide how much a builder makes, and loops may be as long as they say.
_LARGEST_OPTION, _MOST_OPTIONS = 65_536, 1000
_LONGEST_SIDE, _MOST_AXES = 65_536, 8


@dataclass(frozen=True)
class Origin:
    """The plugin that provides the architecture; None for a distribution that it does not come from."""

    name: str
    distribution: str | None
    version: str | None


@dataclass(frozen=True)
class Rounding:
    """What storing the weights as float16 changes.

    Args:
        score: the name of the score compared.
        before: its value with the trained weights.
        after: its value with the rounded ones.
        kept: whether the rounded ones are stored.
    """

    score: str
    before: float
    after: float
    kept: bool


@dataclass(frozen=True)
class OneSeed:
    """The score of a run of the same configuration: the first of a leaderboard, on the test split."""

    seed: Annotated[int, check_whole]
    score: float


def _check_options(value: Mapping[str, Any], where: str) -> None:
    check_plain(value, where)
    waiting, count = [*value.values()], 0
    while waiting:
        item = waiting.pop()
        count += 1
        if count > _MOST_OPTIONS:
            raise RunError(f"{where} has more than {_MOST_OPTIONS:,} values")
        if isinstance(item, Mapping):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)
        elif isinstance(item, int) and abs(item) > _LARGEST_OPTION:
            raise RunError(f"{where} has the number {item:,}: expected at most {_LARGEST_OPTION:,}")


def _check_shape(value: tuple[int, ...], where: str) -> None:
    check_counts(value, where)
    if not 0 < len(value) <= _MOST_AXES or max(value) > _LONGEST_SIDE:
        raise RunError(f"{where} is {reprlib.repr(list(value))}: expected {_MOST_AXES} sizes up to 65,536")


def _check_classes(value: int | None, where: str) -> None:
    if value is not None and not 2 <= value <= _LARGEST_OPTION:
        raise RunError(f"{where} is {value}: expected from 2 to {_LARGEST_OPTION:,}")


def _check_tag(value: str, where: str) -> None:
    if not is_tag(value):
        raise RunError(f"{where} is {reprlib.repr(value)}: expected letters, digits, dots, dashes and underscores")


@dataclass(frozen=True)
class WeightsConfig:
    """The content of ``config.json``.

    Args:
        format: the version of the format.
        tag: the name of these weights among those of the preset.
        preset: the preset's name.
        architecture: the architecture's name.
        dataset: the dataset's name.
        plugin: the plugin that provides the architecture; None if it was registered in a script.
        image_shape: ``(height, width, channels)``.
        latent_shape: the shape of z.
        options: the architecture's options, defaults included.
        recipe: the recipe, as ``Recipe.to_dict`` returns it: likelihood, binarization and how it was trained.
        seed: the seed of the run, which decides the draws of dynamic binarization too.
        parameters: the number of parameters of encoder and decoder.
        dtype: what the real numbers of large arrays are stored as.
        summary: what the architecture and the dataset are, one line each.
        source: the paper that the architecture comes from.
        licence: the licence of the weights, as SPDX writes it; None if it is not stated.
        rounding: what storing them as float16 changes; None if it was not tried.
        seeds: the scores of all runs of the same configuration, this one's included.
        zoo: the version of the zoo that published them.
        backend: Keras' backend, whose draws the scores depend on.
        run: the rest of the run's record: ``provenance``, ``best`` and ``cost``.
        classes: the number of classes of a conditional model's labels; None: it is not conditional.
    """

    format: Literal[1]
    tag: Annotated[str, _check_tag]
    preset: str
    architecture: str
    dataset: str
    plugin: Origin | None
    image_shape: Annotated[tuple[int, int, int], _check_shape]
    latent_shape: Annotated[tuple[int, ...], _check_shape]
    options: Annotated[Mapping[str, Any], _check_options]
    recipe: Annotated[Mapping[str, Any], check_plain]
    seed: Annotated[int, check_whole]
    parameters: Annotated[int, check_count]
    dtype: Literal["float16", "float32"]
    summary: tuple[str, ...]
    source: str | None
    licence: str | None
    rounding: Rounding | None
    seeds: tuple[OneSeed, ...]
    zoo: str
    backend: str
    run: Annotated[Mapping[str, Any], check_plain]
    classes: Annotated[int | None, _check_classes] = optional(None)

    @property
    def likelihood(self) -> str:
        """The likelihood's name."""
        return str(self.recipe.get("likelihood"))

    @property
    def name(self) -> str:
        """The preset's name, with the tag if there is one, as ``zoo.list_models(weights=True)`` has it."""
        return join_name(self.preset, self.tag)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return to_json(self)


def read_config(data: object, where: object) -> WeightsConfig:
    """Return the config that plain data holds.

    Args:
        data: the content of the file.
        where: the file, for messages.

    Raises:
        ModelLoadError: a field is missing, unknown or of another type; the message names it.
    """
    known = {field.name for field in fields(WeightsConfig)}
    unknown = sorted(map(str, set(data) - known)) if isinstance(data, dict) else []
    if unknown:
        raise ModelLoadError(f"{where}: it has {unknown[0][:200]!r}: expected {', '.join(sorted(known))} alone")
    try:
        config = from_json(WeightsConfig, data)
    except RunError as error:
        raise ModelLoadError(f"{where}: {error}") from None
    if not config.preset.startswith(f"{config.architecture}/"):
        raise ModelLoadError(
            f"{where}: architecture is {config.architecture[:200]!r} and preset {config.preset[:200]!r}: expected the "
            "preset of that architecture"
        )
    return config


def is_tag(text: object) -> bool:
    """Whether a text may be a tag: letters, digits, dots, dashes and underscores."""
    return isinstance(text, str) and _TAG.fullmatch(text) is not None


def join_name(preset: str, tag: str) -> str:
    """Return a preset's name with a tag: ``residual/mnist@long``; without one for the default."""
    return preset if tag == DEFAULT else f"{preset}@{tag}"


def split_name(name: str) -> tuple[str, str]:
    """Return the preset and the tag of a name such as ``residual/mnist@long``."""
    preset, at, tag = name.partition("@")
    return preset, tag if at else DEFAULT
