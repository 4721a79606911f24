"""Progress of long-running work on stderr: a bar on a terminal, an occasional line elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from zoo.shown import show

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

SECONDS_BETWEEN_LINES = 30.0


@dataclass(frozen=True)
class Moment:
    """What a training run is doing.

    Args:
        stage: ``training``, or what follows the last epoch, such as ``scoring``.
        done: the number of epochs completed, with the fraction of the one in progress.
        epochs: the total number of epochs.
        loss: the latest loss, nats per image; None if there is none yet.
    """

    stage: str
    done: float
    epochs: int
    loss: float | None


class Advance(Protocol):
    """A function that takes how many more units are done, fractions included, and what a bar shows as in progress."""

    def __call__(self, more: float, now: str = "") -> None:
        """Update the display."""
        ...


def make_console(*, shown: bool = True) -> Console:
    """Return a console on stderr that prints text as it is: names may contain what Rich takes for markup or emoji.

    In a notebook too it prints plain lines, since Rich's HTML cuts off underscores, and its bars need more packages.

    Args:
        shown: False prints nothing.
    """
    # Imported here, since commands that only list names show no progress.
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False, force_jupyter=False, quiet=not shown)


@contextlib.contextmanager
def show_progress(
    title: str, count: int, shown: bool, console: Console | None = None, unit: str = "images"
) -> Iterator[Advance]:
    """Show how many images, or other units, are done, and the time left.

    Args:
        title: the name of the work.
        count: the total number of units.
        shown: False shows nothing.
        console: where to print; stderr by default.
        unit: the name of the units.

    Yields:
        A function that takes how many more units are done.
    """
    if not shown:
        yield lambda more, now="": None
        return
    title = show(title)
    console = console or make_console()
    if console.is_terminal:
        with show_bar(title, count, console) as advance:
            yield advance
        return
    done, last = 0.0, time.monotonic()
    console.print(f"{title}: {count:,} {unit}", soft_wrap=True)

    def log(more: float, now: str = "") -> None:
        nonlocal done, last
        done += more
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            console.print(f"{title}: {done:,.0f} of {count:,} {unit}", soft_wrap=True)

    yield log


@contextlib.contextmanager
def show_bar(title: str, count: int, console: Console, *, counted: bool = True) -> Iterator[Advance]:
    """Draw a bar on a terminal, and remove it at the end.

    Args:
        title: the name of the work.
        count: the total number of units.
        console: where to draw.
        counted: whether to show the number of units.

    Yields:
        A function that takes how many more units are done.
    """
    with make_bar(console, counted=counted) as bar:
        task = bar.add_task(title, total=count)
        exact = 0.0

        def advance(more: float, now: str = "") -> None:
            nonlocal exact
            exact += more
            bar.update(task, completed=round(exact), description=f"{title} {now}".strip())

        yield advance


def make_bar(console: Console, *, counted: bool) -> Progress:
    """Return bars that are removed at the end: description, time left and, if ``counted``, the number of units.

    What is written to stderr while they are shown appears above them.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    columns = (
        # Names may contain square brackets, which are not markup.
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        *([MofNCompleteColumn(table_column=Column(no_wrap=True))] if counted else []),
        BarColumn(bar_width=None),
    )
    return Progress(*columns, console=console, transient=True, expand=True)
