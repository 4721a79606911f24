"""The commands that list names: ``zoo list``, ``show``, ``plugins`` and ``datasets``."""

from __future__ import annotations

from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any

import click

import zoo
from zoo.cli.options import as_json
from zoo.cli.printing import echo, print_json, print_table
from zoo.errors import ModelLoadError
from zoo.notebooks import show_size
from zoo.registry import catalogue
from zoo.registry.model_info import summarize
from zoo.registry.record import PluginRecord
from zoo.registry.scoring_specs import OWN_LIKELIHOODS
from zoo.score_names import main_score
from zoo.weights.config import split_name
from zoo.weights.sources import Listed, list_weights

SHOWN = 50  # Names of what a plugin provides; zoo plugins --json has all.


@click.command("list")
@click.argument("pattern", default="*")
@click.option("--presets", "kind", flag_value="presets", help="List presets (architecture/dataset).")
@click.option("--likelihoods", "kind", flag_value="likelihoods", help="List likelihoods p(x|z).")
@click.option("--metrics", "kind", flag_value="metrics", help="List the scores that plugins add.")
@click.option("--weights", "kind", flag_value="weights", help="List the presets that have trained weights.")
@as_json
def list_(pattern: str, kind: str | None, as_json: bool) -> None:
    """List the architectures that match PATTERN, or what an option names."""
    if kind == "weights":
        _list_trained(pattern, as_json=as_json)
        return
    if kind in ("likelihoods", "metrics"):
        listed = _likelihoods() if kind == "likelihoods" else _metrics()
        found = {name: it for name, it in listed.items() if fnmatchcase(name, pattern)}
    else:
        names = zoo.list_models(pattern, presets=kind == "presets")
        found = {name: summarize(name) for name in names}
    if as_json:
        print_json([{"name": name, "summary": summary} for name, summary in found.items()])
    elif not found:
        echo(f"nothing matches {pattern!r}", err=True)
    else:
        print_table(["name", "summary"], [list(item) for item in found.items()])


def _likelihoods() -> dict[str, str]:
    """Return the summary of each likelihood, the zoo's own and those of plugins, by name."""
    plugins = {name: f"{it.summary} ({_origin(it.plugin)})" for name, it in catalogue.plugin_likelihoods().items()}
    return dict(sorted({**OWN_LIKELIHOODS, **plugins}.items()))


def _metrics() -> dict[str, str]:
    """Return the title and the definition of each score that a plugin adds, by name."""
    return {
        name: f"{it.title}{': ' if it.definition else ''}{it.definition} ({_origin(it.plugin)})"
        for name, it in sorted(catalogue.metrics().items())
    }


def _origin(plugin: PluginRecord | None) -> str:
    return "unregistered" if plugin is None else f"plugin {plugin.name}"


@click.command()
@click.argument("name")
@as_json
def show(name: str, as_json: bool) -> None:
    """Show the details and the origin of an architecture or a preset."""
    info = zoo.get_model_info(name)
    trained = [it for it in list_weights() if name in (split_name(it.name)[0], it.name.partition("/")[0])]
    if as_json:
        print_json(info.to_dict() | {"weights": [it.name for it in trained]})
        return
    print_table(["", ""], [*info.to_rows(), *(("weights", f"{it.name}, in {it.place}") for it in trained)])


@click.command()
@as_json
def plugins(as_json: bool) -> None:
    """List every plugin and its status."""
    records = zoo.list_plugins()
    if as_json:
        print_json([asdict(record) for record in records])
        return
    rows = [
        [it.name, it.status, _shorten(it.provides), it.origin, "; ".join(filter(None, (it.error, it.note)))]
        for it in records
    ]
    failed = any(row[-1] for row in rows)
    header = ["plugin", "status", "provides", "origin", "error"]
    print_table(*((header, rows) if failed else (header[:-1], [row[:-1] for row in rows])))


def _shorten(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


@click.command()
@as_json
def datasets(as_json: bool) -> None:
    """List the datasets."""
    specs = [catalogue.dataset(name) for name in zoo.list_datasets()]
    if as_json:
        print_json(
            [
                {"name": it.name, "summary": it.summary, "image_shape": it.image_shape, "classes": it.classes}
                for it in specs
            ]
        )
    else:
        print_table(["name", "image", "summary"], [[it.name, show_size(it.image_shape), it.summary] for it in specs])


def _list_trained(pattern: str, *, as_json: bool) -> None:
    """Print the presets that have trained weights: their size, first score and place."""
    found = [_describe_trained(it) for it in list_weights() if fnmatchcase(it.name, pattern)]
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


def _describe_trained(listed: Listed) -> dict[str, Any]:
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
