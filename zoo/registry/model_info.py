"""Information about a model, without building it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from typing import Any

from zoo.registry.catalogue import architecture, preset
from zoo.registry.presets import merge_options
from zoo.registry.record import PluginRecord


@dataclass(frozen=True)
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
        config=deepcopy(merge_options(found.defaults, entry.config)),
        recipe=entry.recipe.to_dict(),
        reference=entry.reference,
        source=found.source,
        plugin=found.plugin,
    )
