"""The ``zoo`` command: parse, call, print. Results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli import listing
from zoo.cli.benchmark import benchmark
from zoo.cli.check import check
from zoo.cli.new import new
from zoo.cli.pictures import reconstruct
from zoo.cli.printing import tell
from zoo.cli.publish import publish
from zoo.cli.report import report
from zoo.cli.scoring import compare, evaluate
from zoo.cli.training import train
from zoo.cli.verify import verify
from zoo.environment import describe_versions
from zoo.errors import PluginLoadWarning, UnknownNameError, ZooError
from zoo.shown import show, show_line


class _Messages(logging.Handler):
    """A handler that prints the zoo's messages."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message to what stderr is now: above a progress bar while one is shown."""
        print(f"zoo: {record.getMessage()}", file=sys.stderr)


def _terminate(*_: Any) -> None:
    raise KeyboardInterrupt("terminated")


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"autoencoder-zoo {zoo.__version__}, {describe_versions()}")
        ctx.exit()


class _Group(click.Group):
    """A group that turns errors into one sentence and an exit status: 2 for usage errors and unknown names, else 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error)["message"] = show(error.message, lines=True)
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt as error:
            if ctx.params.get("debug"):
                raise
            tell(str(error) or "interrupted")
            ctx.exit(130)
        except (ZooError, TypeError, ValueError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            tell(error)
            ctx.exit(2 if isinstance(error, UnknownNameError | TypeError | ValueError) else 1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--registry", type=click.Path(path_type=Path), metavar="FILE",
              help="Registry file to add to the built-in one (default: $ZOO_REGISTRY).")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
              help="Show the versions of the zoo, Keras and its backend.")  # fmt: skip
@click.pass_context
def main(ctx: click.Context, registry: Path | None, debug: bool) -> None:
    """A model zoo of variational autoencoders for image reconstruction."""
    warnings.showwarning = _show_warning
    # A run that is terminated closes its folder as it does after Ctrl-C.
    before = signal.signal(signal.SIGTERM, _terminate)
    ctx.call_on_close(lambda: signal.signal(signal.SIGTERM, before))
    logger = logging.getLogger("zoo")
    logger.handlers = [_Messages()]
    logger.setLevel(logging.INFO)
    if registry is not None:
        os.environ["ZOO_REGISTRY"] = str(registry.absolute())  # Child processes read it too.
        zoo.refresh()
    _discover(silent=ctx.invoked_subcommand == "plugins")


for command in (
    listing.list_, listing.show, listing.plugins, listing.datasets, train, evaluate, compare, reconstruct, benchmark,
    report, verify, publish, check, new,
):  # fmt: skip
    main.add_command(command)


def _show_warning(message: Warning | str, *args: Any, **kwargs: Any) -> None:
    print(f"zoo: warning: {show_line(message)}", file=sys.stderr)  # As for messages.


def _discover(*, silent: bool) -> None:
    """Load the plugins; every command reports the ones left out, so keep it to one line."""
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
