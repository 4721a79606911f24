"""Progress of long work on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

SECONDS_BETWEEN_LINES = 30.0


class Advance(Protocol):
    """Takes how many more units are done, parts of one too, and what is under way, for a bar to say."""

    def __call__(self, more: float, now: str = "") -> None:
        """Show it."""
        ...


@contextlib.contextmanager
def show_progress(
    title: str, count: int, shown: bool, console: Console | None = None, unit: str = "images"
) -> Iterator[Advance]:
    """Show how many images, or other units, are done, and the time left.

    Args:
        title: what is done.
        count: how many units there are.
        shown: False shows nothing.
        console: where to; stderr by default.
        unit: what is counted.

    Yields:
        A function that takes how many more are done.
    """
    if not shown:
        yield lambda more, now="": None
        return
    # Here, since what only lists names draws nothing.
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
    """Draw a bar on a terminal, and take it away at the end.

    Args:
        title: what is done.
        count: how many units there are.
        console: where to.
        counted: whether the number of units is shown.

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
