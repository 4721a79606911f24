"""The command ``zoo``: parse, call, print. Results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

import zoo
from zoo import cli_runs
from zoo.cli_benchmark import benchmark
from zoo.cli_check import check
from zoo.cli_new import new
from zoo.cli_options import as_json
from zoo.cli_report import report
from zoo.cli_verify import verify
from zoo.errors import PluginLoadWarning, UnknownNameError, ZooError
from zoo.terminal import print_json, print_table
from zoo.versions import describe_versions


def _terminate(*_: Any) -> None:
    raise KeyboardInterrupt("terminated")


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"autoencoder-zoo {zoo.__version__}, {describe_versions()}")
        ctx.exit()


class _Group(click.Group):
    """Turns errors into one sentence and an exit status: 2 for wrong usage or an unknown name, 1 for a failure."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"zoo: {str(error) or 'interrupted'}", err=True)
            ctx.exit(130)
        except (ZooError, TypeError, ValueError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"zoo: {error}", err=True)
            ctx.exit(2 if isinstance(error, UnknownNameError | TypeError | ValueError) else 1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--registry", type=click.Path(path_type=Path), metavar="FILE",
              help="A registry file of your own, which adds to the built-in one (default: $ZOO_REGISTRY).")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
              help="Show the versions of the zoo, Keras and its backend.")  # fmt: skip
@click.pass_context
def main(ctx: click.Context, registry: Path | None, debug: bool) -> None:
    """A model zoo of variational autoencoders for image reconstruction."""
    warnings.showwarning = _show_warning
    # A run that is ended closes its folder as after Ctrl-C.
    before = signal.signal(signal.SIGTERM, _terminate)
    ctx.call_on_close(lambda: signal.signal(signal.SIGTERM, before))
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("zoo: %(message)s"))
    logger = logging.getLogger("zoo")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    if registry is not None:
        os.environ["ZOO_REGISTRY"] = str(registry.absolute())  # Processes that the command starts read it too.
        zoo.refresh()
    _discover(silent=ctx.invoked_subcommand == "plugins")


@main.command("list")
@click.argument("pattern", default="*")
@click.option("--presets", is_flag=True, help="List presets (architecture/dataset).")
@as_json
def list_(pattern: str, presets: bool, as_json: bool) -> None:
    """List architectures, or presets, that match PATTERN."""
    infos = [zoo.get_model_info(name) for name in zoo.list_models(pattern, presets=presets)]
    if as_json:
        print_json([{"name": info.name, "summary": info.summary} for info in infos])
    elif not infos:
        click.echo(f"nothing matches {pattern!r}", err=True)
    else:
        print_table(["name", "summary"], [[info.name, info.summary] for info in infos])


@main.command()
@click.argument("name")
@as_json
def show(name: str, as_json: bool) -> None:
    """Show what an architecture or a preset is and where it comes from."""
    info = zoo.get_model_info(name)
    if as_json:
        print_json(info.to_dict())
        return
    plain = info.to_dict()
    plugin = plain.pop("plugin") or {}
    rows = []
    for key, value in (plain | {"plugin": plugin.get("name"), "origin": plugin.get("origin")}).items():
        if isinstance(value, dict):
            rows += [[f"{key}: {inner}", _text(item)] for inner, item in value.items()]
        elif value is not None:
            rows.append([key, _text(value)])
    print_table(["", ""], rows)


@main.command()
@as_json
def plugins(as_json: bool) -> None:
    """List every plugin and what became of it."""
    records = zoo.list_plugins()
    if as_json:
        print_json([asdict(record) for record in records])
        return
    rows = [[it.name, it.status, ", ".join(it.provides), it.origin, it.error or ""] for it in records]
    failed = any(record.error for record in records)
    header = ["plugin", "status", "provides", "origin", "error"]
    print_table(*((header, rows) if failed else (header[:-1], [row[:-1] for row in rows])))


@main.command()
@as_json
def datasets(as_json: bool) -> None:
    """List the datasets."""
    from zoo.registry import dataset

    specs = [dataset(name) for name in zoo.list_datasets()]
    if as_json:
        print_json(
            [
                {"name": it.name, "summary": it.summary, "image_shape": it.image_shape, "classes": it.classes}
                for it in specs
            ]
        )
    else:
        print_table(["name", "image", "summary"], [[it.name, _text(it.image_shape), it.summary] for it in specs])


for command in (cli_runs.train, cli_runs.evaluate, cli_runs.compare, cli_runs.reconstruct):
    main.add_command(command)
for command in (benchmark, report, verify, check, new):
    main.add_command(command)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return " x ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _show_warning(message: Warning | str, *args: Any, **kwargs: Any) -> None:
    click.echo(f"zoo: warning: {message}", err=True)


def _discover(*, silent: bool) -> None:
    """Load the plugins; that some were left out is said at every command, so in one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        zoo.list_plugins()
    left_out = [warning.message for warning in caught if issubclass(warning.category, PluginLoadWarning)]
    for warning in caught:
        if warning.message not in left_out:
            _show_warning(warning.message)
    if left_out and not silent:
        _show_warning(left_out[0] if len(left_out) == 1 else f"{len(left_out)} plugins were left out: see zoo plugins")
