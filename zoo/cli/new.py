"""The command that creates a new plugin: ``zoo new``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from zoo import scaffolding
from zoo.cli.printing import echo


@click.command()
@click.argument("name")
@click.option("--here", is_flag=True,
              help="Write a plugin file, NAME.py, with its networks, NAME_networks.py, into the current folder, and a "
                   "registry.yaml that lists it unless one exists.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Folder to create the project's folder in (default: the current one).")  # fmt: skip
def new(name: str, here: bool, out: Path | None) -> None:
    """Write a package project with an architecture called NAME: hook, networks, test, README, CI."""
    if here and out is not None:
        raise click.UsageError("--here writes into the current folder: leave out --out or --here")
    scaffolding.check_new_name(name)
    if here:
        _write_plugin_file(name)
    else:
        _write_project(name, out or Path())


def _write_project(name: str, folder: Path) -> None:
    for path in scaffolding.write_project(name, folder):
        echo(path)
    _print_next(
        f"cd {shlex.quote(str(folder / name))}",
        "pip install -e '.[dev]'",
        f"zoo check {name}",
        f"zoo train {name}/mnist --sample",
    )


def _write_plugin_file(name: str) -> None:
    folder = Path()
    registry = scaffolding.registry_in_use(folder)
    written = scaffolding.write_plugin_file(name, folder)
    for path in written:
        echo(path)
    entry = scaffolding.registry_entry(name, folder)
    if registry in written:
        echo(f"\nlisted in {registry}")
    else:
        echo(f"\n{registry} exists and was not changed: add {entry} to its plugins, as in\n  plugins: [{entry}]")
    zoo = f"zoo --registry {shlex.quote(str(registry))}"
    _print_next(f"{zoo} check {name}", f"{zoo} train {name}/mnist --sample")


def _print_next(*commands: str) -> None:
    echo("\nnext:")
    for command in commands:
        echo(f"  {command}")
