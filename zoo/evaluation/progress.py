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
    title: str, images: int, shown: bool, console: Console | None = None
) -> Iterator[Callable[[float], None]]:
    """Show how many images are done, and the time left.

    Args:
        title: what is done.
        images: how many there are.
        shown: False shows nothing.
        console: where to; stderr by default.

    Yields:
        A function that takes how many more images are done; parts of one too.
    """
    console = console or Console(stderr=True, highlight=False)
    if not shown:
        yield lambda more: None
    elif console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(title, total=images)
            exact = 0.0

            def advance(more: float) -> None:
                nonlocal exact
                exact += more
                bar.update(task, completed=round(exact))

            yield advance
    else:
        done, last = 0.0, time.monotonic()
        console.print(f"{title}: {images:,} images", soft_wrap=True)

        def log(more: float) -> None:
            nonlocal done, last
            done += more
            if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
                last = time.monotonic()
                console.print(f"{title}: {done:,.0f} of {images:,} images", soft_wrap=True)

        yield log
