"""The commands that list names: ``zoo list``, ``show``, ``plugins`` and ``datasets``."""

from __future__ import annotations

from dataclasses import asdict

import click

import zoo
from zoo.cli.options import as_json
from zoo.cli.printing import print_json, print_table
from zoo.notebooks import show_size


@click.command("list")
@click.argument("pattern", default="*")
@click.option("--presets", is_flag=True, help="List presets (architecture/dataset).")
@as_json
def list_(pattern: str, presets: bool, as_json: bool) -> None:
    """List the architectures or presets that match PATTERN."""
    infos = [zoo.get_model_info(name) for name in zoo.list_models(pattern, presets=presets)]
    if as_json:
        print_json([{"name": info.name, "summary": info.summary} for info in infos])
    elif not infos:
        click.echo(f"nothing matches {pattern!r}", err=True)
    else:
        print_table(["name", "summary"], [[info.name, info.summary] for info in infos])


@click.command()
@click.argument("name")
@as_json
def show(name: str, as_json: bool) -> None:
    """Show the details and the origin of an architecture or a preset."""
    info = zoo.get_model_info(name)
    if as_json:
        print_json(info.to_dict())
        return
    print_table(["", ""], info.to_rows())


@click.command()
@as_json
def plugins(as_json: bool) -> None:
    """List every plugin and its status."""
    records = zoo.list_plugins()
    if as_json:
        print_json([asdict(record) for record in records])
        return
    rows = [[it.name, it.status, ", ".join(it.provides), it.origin, it.error or ""] for it in records]
    failed = any(record.error for record in records)
    header = ["plugin", "status", "provides", "origin", "error"]
    print_table(*((header, rows) if failed else (header[:-1], [row[:-1] for row in rows])))


@click.command()
@as_json
def datasets(as_json: bool) -> None:
    """List the datasets."""
    from zoo.registry.catalogue import dataset

    specs = [dataset(name) for name in zoo.list_datasets()]
    if as_json:
        print_json(
            [
                {"name": it.name, "summary": it.summary, "image_shape": it.image_shape, "classes": it.classes}
                for it in specs
            ]
        )
    else:
        print_table(["name", "image", "summary"], [[it.name, show_size(it.image_shape), it.summary] for it in specs])
