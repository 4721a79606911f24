"""Messages about names: unknown names, plugins that failed, settings without effect."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from zoo.errors import PluginLoadWarning
from zoo.registry.loading import Plugin
from zoo.registry.presets import preset_names
from zoo.registry.record import PluginRecord
from zoo.registry.specs import Architecture, DatasetSpec
from zoo.registry.yaml_file import RegistryFile
from zoo.shown import show_line


def explain_unknown(
    name: str,
    what: str,
    known: Mapping[str, Any],
    command: str,
    records: Iterable[PluginRecord],
    cutoff: float = 0.5,
) -> str:
    """Return a message with the nearest names, how to list all, and the plugins that might have provided the name.

    Args:
        name: the unknown name.
        what: its kind, such as ``architecture``.
        known: the names of that kind.
        command: the command that lists them.
        records: the records of all plugins.
        cutoff: how alike names must be to be suggested, from 0 to 1 (equal).
    """
    records = list(records)
    near = difflib.get_close_matches(name, known, n=3, cutoff=cutoff)
    text = f"no {what} is called {name!r}"
    listed = ", ".join(sorted(known)[:12]) or "none"
    text += f": did you mean {' or '.join(map(repr, near))}?" if near else f": there are {listed}."
    text += f" List all with: {command}"
    broken = [f"{record.name} ({record.error})" for record in records if record.status == "failed"]
    disabled = [record.name for record in records if record.status == "disabled"]
    if broken:
        text += f". It may be in a plugin that failed to load: {'; '.join(broken)}"
    if disabled:
        text += f". It may be in a plugin disabled by ZOO_DISABLE_PLUGINS: {', '.join(disabled)}"
    return text


def warn_of_failures(plugins: Iterable[Plugin]) -> None:
    """Warn about every plugin that was left out."""
    for record in (plugin.record for plugin in plugins if plugin.record.status == "failed"):
        warnings.warn(
            show_line(f"plugin {record.name} ({record.origin}) was left out: {record.error}")
            + " (ZOO_STRICT=1 raises this; zoo plugins lists all)",
            PluginLoadWarning,
            stacklevel=4,
        )


def warn_of_changes(plugins: Iterable[Plugin]) -> None:
    """Warn about every plugin whose import has changed something for everyone."""
    for record in (plugin.record for plugin in plugins if plugin.record.note):
        warnings.warn(
            f"the import of plugin {record.name} ({record.origin}) {record.note}: ZOO_DISABLE_PLUGINS={record.name} "
            "leaves it out",
            stacklevel=4,
        )


def warn_of_idle_settings(
    user: RegistryFile, architectures: Mapping[str, Architecture], datasets: Mapping[str, DatasetSpec]
) -> None:
    """Warn about settings for unknown names, since a typo would otherwise go unnoticed."""
    known = preset_names(architectures, datasets, user.presets)
    idle = [f"dataset {name!r}" for name in user.datasets if name not in datasets]
    idle += [f"preset {name!r}" for name in user.presets if not any(fnmatchcase(it, name) for it in known)]
    if idle:
        warnings.warn(f"{user.path}: settings without effect: there is no {' and no '.join(idle)}", stacklevel=4)
