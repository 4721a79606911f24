"""The interface of executors, and the two that need no other machine: this process, and processes beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import psutil

from zoo.benchmarking.cells import Cell, run_cell
from zoo.benchmarking.forks.client import Forks
from zoo.benchmarking.process import MEGABYTE, Limits, Task, make_environment, train_apart
from zoo.errors import RunError
from zoo.progress import Moment

Tell = Callable[[Cell, Moment], None]


@dataclass(frozen=True)
class Terms:
    """What a benchmark asks of an executor.

    Args:
        jobs: number of runs at a time; None: as many as the executor has room for.
        time_limit: seconds after which a run is stopped; None: never.
        memory_limit: resident memory beyond which a run is stopped, in MiB; None: the executor decides.
        tell: a function that an executor may tell what a run is doing, in any thread, if the run's process cannot
            write to the folder that the benchmark reads (``Cell.report``).
    """

    jobs: int | None = None
    time_limit: float | None = None
    memory_limit: float | None = None
    tell: Tell = lambda cell, moment: None


class Executor(Protocol):
    """The interface that takes cells and sees to it that their run folders are made, here or elsewhere.

    A cell is done when its folder says so (see ``zoo.benchmarking.dispatch``): what a future holds is never read. An
    executor for which it is better to know many cells at once may also have ``submit_all(cells) -> list[Future]``.
    """

    def submit(self, cell: Cell) -> Future[object]:
        """Start a cell's run.

        Returns:
            A future that is done when the run has ended; ``RunError`` in it is the reason why a run has failed that has
            no folder to say so, and any other error is trouble of the executor's own: the cell is submitted again.
        """
        ...

    def close(self) -> None:
        """Start no more runs, and stop those in progress."""
        ...


class ThisProcess:
    """Executor that trains one run after the other in this process, for architectures that no other process knows.

    Args:
        tell: a function that is told what each run is doing.
    """

    def __init__(self, *, tell: Tell | None = None) -> None:
        self.tell = tell

    def submit(self, cell: Cell) -> Future[object]:
        """Train a cell's run; the future is done when this returns."""
        future: Future[object] = Future()
        try:
            future.set_result(run_cell(cell, progress=partial(self.tell, cell) if self.tell else False))
        except Exception as error:
            future.set_exception(error if isinstance(error, RunError) else RunError(str(error)))
        return future

    def close(self) -> None:
        """Do nothing, since no run is in progress."""


class LocalProcesses:
    """Executor that trains each run in a separate process, so that no run can harm another.

    Args:
        jobs: number of runs at a time; the processors are divided among them.
        time_limit: seconds after which a run is stopped; None: never.
        memory_limit: resident memory beyond which a run is stopped, in MiB; None: an equal share of
            the memory available now.
    """

    def __init__(self, *, jobs: int = 1, time_limit: float | None = None, memory_limit: float | None = None) -> None:
        self.limits = Limits(
            threads=max(1, (os.cpu_count() or 1) // jobs),
            seconds=time_limit,
            memory=memory_limit or psutil.virtual_memory().available / MEGABYTE / jobs,
        )
        self._forks = Forks(make_environment(self.limits))
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="zoo-benchmark")
        self._closed = False

    def submit(self, cell: Cell) -> Future[object]:
        """Start a cell's run as soon as a slot is free."""
        return self._pool.submit(self._do, Task.from_json(cell.to_json()))

    def close(self) -> None:
        """Start no more runs, and stop those in progress; they can be resumed."""
        self._closed = True
        self._pool.shutdown(cancel_futures=True)
        self._forks.close()

    def _do(self, task: Task) -> None:
        train_apart(task, self.limits, lambda: self._closed, forks=self._forks)


def make_local(terms: Terms) -> LocalProcesses:
    """Return the executor ``local``."""
    return LocalProcesses(jobs=terms.jobs or 1, time_limit=terms.time_limit, memory_limit=terms.memory_limit)
