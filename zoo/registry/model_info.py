"""Information about a model, without building it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

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
