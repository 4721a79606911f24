"""Progress of long scoring on stderr: a bar on a terminal, a line now and then elsewhere."""

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
    # Here, since what only lists names draws nothing.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = console or Console(stderr=True, highlight=False)
    if not shown:
        yield lambda more, now="": None
    elif console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(title, total=count)
            exact = 0.0

            def advance(more: float, now: str = "") -> None:
                nonlocal exact
                exact += more
                bar.update(task, completed=round(exact), description=f"{title} {now}".rstrip())

            yield advance
    else:
        done, last = 0.0, time.monotonic()
        console.print(f"{title}: {count:,} {unit}", soft_wrap=True)

        def log(more: float, now: str = "") -> None:
            nonlocal done, last
            done += more
            if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
                last = time.monotonic()
                console.print(f"{title}: {done:,.0f} of {count:,} {unit}", soft_wrap=True)

        yield log
