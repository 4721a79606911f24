"""What is said of a name that no plugin gives."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from zoo.discovery import PluginRecord


def explain_unknown(
    name: str, what: str, known: Mapping[str, Any], command: str, records: Iterable[PluginRecord]
) -> str:
    """Give the nearest names, how to list all, and the plugins that might have given it.

    Args:
        name: the name that is not known.
        what: of what kind, such as ``architecture``.
        known: names of that kind.
        command: lists them.
        records: what became of the plugins.
    """
    records = list(records)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    text = f"no {what} is called {name!r}"
    text += (
        f": did you mean {' or '.join(map(repr, near))}?" if near else f": there are {', '.join(sorted(known)[:12])}."
    )
    text += f" List all with: {command}"
    broken = [f"{record.name} ({record.error})" for record in records if record.status == "failed"]
    disabled = [record.name for record in records if record.status == "disabled"]
    if broken:
        text += f". It may be in a plugin that failed to load: {'; '.join(broken)}"
    if disabled:
        text += f". It may be in a plugin disabled by ZOO_DISABLE_PLUGINS: {', '.join(disabled)}"
    return text
