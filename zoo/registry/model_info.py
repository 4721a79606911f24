"""Information about a model, without building it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from typing import Any

from zoo.notebooks import show_size, show_table, show_title
from zoo.registry.catalogue import architecture, dataset, preset
from zoo.registry.presets import merge_options
from zoo.registry.recipe import Recipe
from zoo.registry.record import PluginRecord
from zoo.shown import show


@dataclass(frozen=True, repr=False)
class ModelInfo:
    """Information about an architecture or a preset, without building it; see ``get_model_info``."""

    name: str
    summary: str
    architecture: str
    dataset: str | None
    image_shape: tuple[int, int, int] | None
    config: Mapping[str, Any]
    recipe: Mapping[str, Any] | None
    reference: Mapping[str, Any]
    source: str | None
    plugin: PluginRecord | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON; a function among the options becomes its name."""
        plain = asdict(replace(self, config={}))
        plain["config"] = {
            key: getattr(value, "__qualname__", repr(value)) if callable(value) else value
            for key, value in self.config.items()
        }
        return plain

    def to_rows(self) -> list[tuple[str, str]]:
        """Return what it is as names and texts, for a table."""
        plain = self.to_dict()
        plugin = plain.pop("plugin") or {}
        rows: list[tuple[str, str]] = []
        for key, value in (plain | {"plugin": plugin.get("name"), "origin": plugin.get("origin")}).items():
            if isinstance(value, dict):
                rows += [(f"{key}: {inner}", _show(item)) for inner, item in value.items()]
            elif value is not None:
                rows.append((key, _show(value)))
        return rows

    def __repr__(self) -> str:
        size = "" if self.image_shape is None else f", images of {show_size(self.image_shape)}"
        return show(f"ModelInfo({self.name}: {self.summary}{size})")

    def _repr_html_(self) -> str:
        return show_title(self.name) + show_table((), self.to_rows())


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return show_size(value) if isinstance(value, tuple) else str(value)


def summarize(name: str) -> str:
    """Return the summary of an architecture or a preset, as ``get_model_info`` does but without its recipe."""
    left, slash, right = name.partition("/")
    summary = architecture(left).summary
    return f"{summary}. {dataset(right.partition('-')[0]).summary}" if slash else summary


def get_model_info(name: str) -> ModelInfo:
    """Return what an architecture or a preset is and where it comes from, without building it.

    Args:
        name: an architecture's or a preset's name.

    Returns:
        Its description; ``dataset``, ``image_shape`` and ``recipe`` are None for an architecture.

    Raises:
        UnknownNameError: there is no such name.
    """
    if not isinstance(name, str):
        raise TypeError(f"name is {name!r}: expected text")
    if "/" not in name:
        found = architecture(name)
        config = deepcopy(dict(found.defaults))
        return ModelInfo(name, found.summary, name, None, None, config, None, {}, found.source, found.plugin)
    entry = preset(name)
    found = entry.architecture
    return ModelInfo(
        name=name,
        summary=f"{found.summary}. {entry.dataset.summary}",
        architecture=found.name,
        dataset=entry.dataset.name,
        image_shape=entry.dataset.image_shape,
        config=deepcopy(merge_options(found.defaults_for(entry.dataset.image_shape), entry.config)),
        recipe=_shown(entry.recipe),
        reference=entry.reference,
        source=found.source,
        plugin=found.plugin,
    )


def _shown(recipe: Recipe) -> dict[str, Any]:
    """Return all settings of a recipe, but no empty list of callbacks."""
    return {key: value for key, value in recipe.describe().items() if key != "callbacks" or value}
