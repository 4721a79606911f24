"""The table of trained weights: ``zoo list --weights``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from zoo.cli.printing import echo, print_json, print_table
from zoo.errors import ModelLoadError
from zoo.score_names import main_score
from zoo.weights.sources import Listed, list_weights


def list_trained(pattern: str, *, as_json: bool) -> None:
    """Print the presets that have trained weights: their size, first score and place."""
    found = [_describe(it) for it in list_weights() if fnmatchcase(it.name, pattern)]
    if as_json:
        print_json(found)
    elif not found:
        what = "no preset" if pattern == "*" else f"no preset that matches {pattern!r}"
        echo(f"{what} has trained weights here: zoo publish makes them from runs", err=True)
    else:
        rows = [[it["name"], it["parameters"], it["score"], it["sha256"], it["place"]] for it in found]
        shown = [
            [name, "-" if count is None else f"{count:,}", score or "-", (digest or "-")[:12], place]
            for name, count, score, digest, place in rows
        ]
        print_table(["preset", "parameters", "score on test", "SHA-256", "place"], shown)


def _describe(listed: Listed) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": listed.name, "place": listed.place}
    folder = listed.folder
    if folder is None:
        return plain | {"parameters": None, "score": None, "sha256": None}
    try:
        score = main_score([folder.scores])
        shown = f"{score.title} {score.show(score.read(folder.scores))} {score.unit}".strip()
        return plain | {"parameters": folder.config.parameters, "score": shown, "sha256": folder.sha256}
    except (ModelLoadError, ValueError) as error:
        return plain | {"parameters": folder.config.parameters, "score": f"damaged: {error}", "sha256": None}
