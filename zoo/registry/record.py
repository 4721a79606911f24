"""What became of a plugin."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class PluginRecord:
    """What became of one plugin.

    Args:
        name: the plugin's name: a module, an entry point's name, or module and qualified name of a registered class.
        origin: where it was found, with the distribution and its version.
        version: the distribution's version, if there is one.
        status: ``ok``, ``slow`` (it imports Keras while names are listed, or computes for over a second), ``failed``
            or ``disabled``.
        provides: the architectures' and datasets' names.
        error: why it failed.
        distribution: the distribution that it is from, if there is one.
    """

    name: str
    origin: str
    version: str | None = None
    status: str = "ok"
    provides: tuple[str, ...] = ()
    error: str | None = None
    distribution: str | None = None


def canonical_name(distribution: str | None) -> str:
    """Return a distribution's name as packaging tools compare it: ``My_Plugin`` and ``my-plugin`` are one."""
    return re.sub(r"[-_.]+", "-", distribution or "").lower()
