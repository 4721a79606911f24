"""The progress of a benchmark on stderr: on a terminal a bar for each run, elsewhere lines now and then."""

from __future__ import annotations

import contextlib
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from zoo.benchmarking.cells import Cell
from zoo.progress import SECONDS_BETWEEN_LINES, Moment, make_bar, make_console
from zoo.shown import show

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

LONGEST = 44  # Letters of a run's name that are shown.
MOST_LINES = 20  # Runs under way that have a line, now and then.
ENOUGH = 0.02  # The share of the work after which the time left can be told.


class ShowRuns(contextlib.AbstractContextManager["ShowRuns"]):
    """The progress of all runs; its methods may be called by several threads.

    Args:
        count: number of runs, those included that are already finished.
        shown: False shows nothing.
        console: where to print; stderr by default.
        what: what is shown, and the name of its runs.
    """

    def __init__(
        self, count: int, shown: bool, console: Console | None = None, what: tuple[str, str] = ("benchmark", "runs")
    ) -> None:
        self.count, self.done, self.what = count, 0, what
        self.console = console or make_console(shown=shown)
        self._bar: Progress | None = None
        self._total: TaskID | None = None
        self._tasks: dict[Cell, TaskID] = {}
        self._parts: dict[Cell, float] = {}
        self._lines: dict[Cell, str] = {}
        self._kept: int | None = None  # The runs that were finished when the first was told of.
        self._began = 0.0
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def __enter__(self) -> ShowRuns:
        if self.console.quiet:
            return self
        if self.console.is_terminal:
            self._bar = make_bar(self.console, counted=False)
            self._total = self._bar.add_task(self._title(), total=self.count)
            self._bar.start()
        else:
            self._print(self._title())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, cell: Cell, moment: Moment) -> None:
        """Show what a run is doing."""
        now = f"{_shorten(show(cell.label))}: {describe_moment(moment)}"
        with self._lock:
            if self._kept is None:
                self._kept, self._began = self.done, time.monotonic()
            self._lines[cell] = now
            self._parts[cell] = min(moment.done / moment.epochs, 1.0)
            if self._bar is not None:
                if cell not in self._tasks:
                    self._tasks[cell] = self._bar.add_task(now, total=moment.epochs)
                self._bar.update(self._tasks[cell], completed=moment.done, total=moment.epochs, description=now)
                self._update()
            elif time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
                self._print_lines()

    def finish(self, *cells: Cell) -> None:
        """Count runs that are over, whether they finished or failed."""
        with self._lock:
            self.done += len(cells)
            for cell in cells:
                self._parts.pop(cell, None)
                self._lines.pop(cell, None)
                if self._bar is not None and cell in self._tasks:
                    self._bar.remove_task(self._tasks.pop(cell))
            self._update()

    def finish_many(self, count: int) -> None:
        """Count runs that were over before."""
        with self._lock:
            self.done += count
            self._update()

    def _update(self) -> None:
        if self._bar is not None and self._total is not None:
            done: Any = self.done + sum(self._parts.values())
            self._bar.update(self._total, completed=done, description=self._title())

    def _title(self) -> str:
        return f"{self.what[0]}: {self.done} of {self.count} {self.what[1]}"

    def _print_lines(self) -> None:
        """Print how far the benchmark is, and a line for each run under way."""
        lines, title = list(self._lines.values()), f"{self._title()}{self._time_left()}"
        if len(lines) == 1:
            self._print(f"{title}; {lines[0]}")
            return
        more = [f"and {len(lines) - MOST_LINES:,} more"] if len(lines) > MOST_LINES else []
        self._print("\n  ".join([title, *lines[:MOST_LINES], *more]))

    def _time_left(self) -> str:
        kept = self._kept or 0
        share = (self.done - kept + sum(self._parts.values())) / max(1, self.count - kept)
        if not ENOUGH <= share < 1:
            return ""
        minutes = (time.monotonic() - self._began) * (1 - share) / share / 60
        return f", about {minutes / 60:,.1f} h left" if minutes > 90 else f", about {max(1, round(minutes))} min left"

    def _print(self, text: str) -> None:
        self._last = time.monotonic()
        self.console.print(text, soft_wrap=True)


def describe_moment(moment: Moment) -> str:
    """Return what a run is doing: ``epoch 3/20, loss 123.4`` or, before and after the epochs, the stage alone."""
    if moment.stage != "training":
        return moment.stage
    loss = "" if moment.loss is None else f", loss {moment.loss:,.1f}"
    return f"epoch {min(int(moment.done) + 1, moment.epochs)}/{moment.epochs}{loss}"


def _shorten(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
