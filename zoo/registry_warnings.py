"""What a user is warned of when names are looked up: plugins that failed, settings without effect."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from zoo.discovery import Plugin
from zoo.errors import PluginLoadWarning
from zoo.presets import preset_names
from zoo.registry_file import RegistryFile


def warn_of_failures(plugins: Iterable[Plugin]) -> None:
    """Warn of every plugin that was left out."""
    for record in (plugin.record for plugin in plugins if plugin.record.status == "failed"):
        warnings.warn(
            f"plugin {record.name} ({record.origin}) was left out: {record.error} "
            "(ZOO_STRICT=1 raises this; zoo plugins lists all)",
            PluginLoadWarning,
            stacklevel=4,
        )


def warn_of_idle_settings(user: RegistryFile, architectures: Collection[str], datasets: Collection[str]) -> None:
    """Warn of settings for names that nobody gives: a slip of the pen would change nothing in silence."""
    known = preset_names(architectures, datasets, user.presets)
    idle = [f"dataset {name!r}" for name in user.datasets if name not in datasets]
    idle += [f"preset {name!r}" for name in user.presets if not any(fnmatchcase(it, name) for it in known)]
    if idle:
        warnings.warn(f"{user.path}: settings without effect: there is no {' and no '.join(idle)}", stacklevel=4)
