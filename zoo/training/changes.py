"""What has changed since a run began, so that it could not be resumed exactly."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from zoo.errors import RunError
from zoo.runs.record import PluginOrigin, Provenance
from zoo.runs.run import Run
from zoo.shown import show_line

ANEW = "train it from scratch (overwrite=True, --overwrite)"


def refuse_changes(run: Run, before: Provenance, here: Provenance) -> None:
    """Compare the provenance of a run when it began with the present one; warn of what changes only the last digits.

    Raises:
        RunError: the zoo, the plugin, the backend or the images have changed.
    """
    what = {"zoo": "zoo", "plugin": "plugin", "backend": "Keras backend", "dataset": "images of the dataset"}
    for name, title in what.items():
        then, now = getattr(before, name), getattr(here, name)
        if then != now:
            shown = ": the SHA-256 differs" if name == "dataset" else _compare(then, now)
            raise RunError(f"{run.path}: the {title} changed since the run began{shown}: restore it, or {ANEW}")
    if None not in (before.plugin_sources, here.plugin_sources) and before.plugin_sources != here.plugin_sources:
        raise RunError(f"{run.path}: the code of the plugin changed since the run began: restore it, or {ANEW}")
    for name in ("packages", "threads"):
        then, now = getattr(before, name), getattr(here, name)
        if then != now:
            warnings.warn(
                show_line(
                    f"{run.path}: {name} changed since the run began{_compare(then, now)}: "
                    "the last digits of results may differ"
                ),
                stacklevel=3,
            )


def _compare(before: Any, now: Any) -> str:
    before, now = (vars(found) if isinstance(found, PluginOrigin) else found for found in (before, now))
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        before, now = ({key: found.get(key) for key in keys} for found in (before, now))
    return f" (then {_show(before)}, now {_show(now)})"


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value)
