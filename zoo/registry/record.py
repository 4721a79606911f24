"""The outcome of loading a plugin."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PluginRecord:
    """The outcome of loading one plugin.

    Args:
        name: the plugin's name: a module, an entry point's name, or a registered class's module and qualified name.
        origin: where it was found, with the distribution and its version.
        version: the distribution's version, if there is one.
        status: ``ok``, ``slow`` (its import also imports Keras or takes over a second of CPU time), ``failed`` or
            ``disabled``.
        provides: the names of its architectures, datasets, likelihoods, metrics and executors.
        error: why it failed.
        distribution: the distribution that it comes from, if any.
        note: what its import has changed for everyone, such as Keras' dtype policy, which was put back, and what it has
            left running.
        folder: the folder of its file, beside which its trained weights lie; None if it has no file.
    """

    name: str
    origin: str
    version: str | None = None
    status: str = "ok"
    provides: tuple[str, ...] = ()
    error: str | None = None
    distribution: str | None = None
    note: str | None = None
    folder: str | None = field(default=None, compare=False)


def canonical_name(distribution: str | None) -> str:
    """Return a distribution's name as packaging tools compare it: ``My_Plugin`` and ``my-plugin`` are the same."""
    return re.sub(r"[-_.]+", "-", distribution or "").lower()
