"""Progress of long-running work on stderr: a bar on a terminal, an occasional line elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

SECONDS_BETWEEN_LINES = 30.0


class Advance(Protocol):
    """A function that takes how many more units are done, fractions included, and what a bar shows as in progress."""

    def __call__(self, more: float, now: str = "") -> None:
        """Update the display."""
        ...


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
    # Imported here, since commands that only list names show no progress.
    from rich.console import Console

    console = console or Console(stderr=True, highlight=False)
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
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        *([MofNCompleteColumn(table_column=Column(no_wrap=True))] if counted else []),
        BarColumn(bar_width=None),
    )
    with Progress(*columns, console=console, transient=True, expand=True) as bar:
        task = bar.add_task(title, total=count)
        exact = 0.0

        def advance(more: float, now: str = "") -> None:
            nonlocal exact
            exact += more
            bar.update(task, completed=round(exact), description=f"{title} {now}".strip())

        yield advance
