"""Progress of long scoring on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 30.0


@contextlib.contextmanager
def show_progress(
    title: str, count: int, shown: bool, console: Console | None = None, unit: str = "images"
) -> Iterator[Callable[[float], None]]:
    """Show how many images, or other units, are done, and the time left.

    Args:
        title: what is done.
        count: how many units there are.
        shown: False shows nothing.
        console: where to; stderr by default.
        unit: what is counted.

    Yields:
        A function that takes how many more are done; parts of one too.
    """
    console = console or Console(stderr=True, highlight=False)
    if not shown:
        yield lambda more: None
    elif console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(title, total=count)
            exact = 0.0

            def advance(more: float) -> None:
                nonlocal exact
                exact += more
                bar.update(task, completed=round(exact))

            yield advance
    else:
        done, last = 0.0, time.monotonic()
        console.print(f"{title}: {count:,} {unit}", soft_wrap=True)

        def log(more: float) -> None:
            nonlocal done, last
            done += more
            if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
                last = time.monotonic()
                console.print(f"{title}: {done:,.0f} of {count:,} {unit}", soft_wrap=True)

        yield log
