"""The ``zoo`` command: parse, call, print. Results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import click

import zoo
from zoo.cli import listing
from zoo.cli.benchmark import benchmark
from zoo.cli.cache import cache
from zoo.cli.check import check
from zoo.cli.export import explore, export
from zoo.cli.images.compress import compress, decompress
from zoo.cli.images.pictures import reconstruct
from zoo.cli.new import new
from zoo.cli.printing import tell
from zoo.cli.publish import publish
from zoo.cli.report import report
from zoo.cli.scoring import compare, evaluate
from zoo.cli.search import search
from zoo.cli.streams import end_output, results_kept_apart, standard_streams
from zoo.cli.training import train
from zoo.cli.verify import verify
from zoo.environment import describe_versions
from zoo.errors import PluginLoadWarning, UnknownNameError, ZooError, one_line
from zoo.registry.isolation.leftovers import leave
from zoo.shown import show, show_line, text_of

EXPECTED = (ZooError, TypeError, ValueError, OSError)  # Those whose message says what to do.
KERAS_ARGUMENTS = "Arguments received by"  # What Keras adds to the message of an error in a layer.


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

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command, and end the process."""
        with standard_streams():
            try:
                status = super().main(*args, **kwargs)
            except SystemExit as end:
                status = end.code
            leave(end_output(status if isinstance(status, int) else int(status is not None)))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error)["message"] = show(error.message, lines=True)
            raise
        except (click.exceptions.Exit, click.Abort, BrokenPipeError, SystemExit):
            raise
        except BaseException as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            else:
                tell(_explain(error))
            ctx.exit(_status(error))


def _explain(error: BaseException) -> str:
    """Return an error as a sentence."""
    text = text_of(error).partition(KERAS_ARGUMENTS)[0].strip()
    if isinstance(error, KeyboardInterrupt):
        return text or "interrupted"
    if isinstance(error, MemoryError):
        return f"there is not enough memory{': ' if text else ''}{text}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, EXPECTED) and text:
        return text
    return f"{type(error).__name__}{': ' if text else ''}{one_line(text)} (zoo --debug shows where)"


def _status(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 2 if isinstance(error, UnknownNameError | TypeError | ValueError) else 1


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
    search, report, verify, export, explore, compress, decompress, publish, check, new, cache,
):  # fmt: skip
    main.add_command(command)


def _show_warning(message: Warning | str, *args: Any, **kwargs: Any) -> None:
    print(f"zoo: warning: {show_line(message)}", file=sys.stderr)  # As for messages.


def _discover(*, silent: bool) -> None:
    """Load the plugins; every command reports the ones left out, so keep it to one line."""
    with results_kept_apart(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        zoo.list_plugins()
    left_out = [warning.message for warning in caught if issubclass(warning.category, PluginLoadWarning)]
    for warning in caught:
        if warning.message not in left_out:
            _show_warning(warning.message)
    if left_out and not silent:
        _show_warning(left_out[0] if len(left_out) == 1 else f"{len(left_out)} plugins were left out: see zoo plugins")
