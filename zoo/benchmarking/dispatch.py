"""The cells of a benchmark and its executor: the run folders say what is done, whatever the executor says.

An executor may say that a cell is done when it is not, raise, never answer, or lose what it was given. So its answers
only say when to look. A cell whose folder is not finished is submitted again and goes on after its last epoch; so is
one that gives no sign of life. Only changes of files are compared, never their times with this machine's clock.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from zoo.benchmarking.cells import Cell, find_done
from zoo.benchmarking.code_check import CodeCheck
from zoo.benchmarking.executor import Executor, Tell
from zoo.benchmarking.folders import describe_state, epochs_of, is_held, read_if_any, remove, stamp
from zoo.benchmarking.report_file import Report
from zoo.errors import RunError, one_line
from zoo.runs.run import RUN_FILE, Run

logger = logging.getLogger("zoo")
LOST_AFTER = 600.0  # Network file systems show changes only after some time.
ATTEMPTS = 3  # Without another epoch.
LOOK = 0.5  # Seconds between two looks at the folders of a few cells;
LOOK_PER_CELL = 0.002  # of many, each takes a moment, on a network file system above all.
STOPPED = "it was stopped"
QUIET = 10.0  # Seconds after which an executor that has not answered is not waited for, if a folder is finished.


@dataclass(eq=False)
class _UnderWay:
    """A cell that the executor has been given."""

    cell: Cell
    path: Path
    report: Report
    epochs: int
    before: bytes | None = None  # What run.json was when it was submitted.
    future: Future[object] = field(default_factory=Future)
    attempts: int = 1
    signs: object = None
    changed: float | None = None  # When the signs of life last changed, by this machine's clock.


class Dispatch:
    """Gives cells to an executor until each has a finished run, or a reason why it has none.

    Args:
        executor: runs the cells.
        code: compares finished runs with the current code.
        tell: a function that is told what each run is doing.
        lost_after: seconds without a sign of life from a run that has begun, after which it is submitted again. One
            that has not begun counts as lost when none of the others gives a sign of life either, unless the executor
            has ``queues = True``, which says that its runs may wait in a queue for days.
    """

    def __init__(
        self, executor: Executor, code: CodeCheck, *, tell: Tell | None = None, lost_after: float = LOST_AFTER
    ) -> None:
        self.executor, self.code, self.tell, self.lost_after = executor, code, tell, lost_after
        self._ended: SimpleQueue[tuple[_UnderWay, Future[object]]] = SimpleQueue()
        self._under_way: dict[Cell, _UnderWay] = {}
        self._queues = bool(getattr(executor, "queues", False))
        self._life = time.monotonic()  # The last sign of any of the cells.

    def run(self, cells: Iterable[Cell]) -> Iterator[tuple[Cell, Run | str]]:
        """Yield each cell once it has ended, with its finished run or the reason why there is none."""
        self.add(list(cells))
        yield from self.wait()

    def stop(self, cell: Cell) -> None:
        """Tell the process of a cell, wherever it is, to end after what it is doing; the cell ends with a reason."""
        with contextlib.suppress(OSError):
            cell.stop_file.parent.mkdir(parents=True, exist_ok=True)
            cell.stop_file.touch()

    def wait(self) -> Iterator[tuple[Cell, Run | str]]:
        """Yield each cell that has been added, as ``run`` does; more may be added meanwhile."""
        looked = time.monotonic()
        while self._under_way:
            with contextlib.suppress(Empty):
                it, future = self._ended.get(timeout=LOOK)
                self._life = time.monotonic()
                if self._under_way.get(it.cell) is it and it.future is future:
                    outcome = self._settle(it, _error_of(future))
                    if outcome is not None:
                        yield it.cell, self._end(it, outcome)
            if time.monotonic() - looked >= LOOK + LOOK_PER_CELL * len(self._under_way):
                for it in list(self._under_way.values()):
                    outcome = self._look(it)
                    if outcome is not None:
                        yield it.cell, self._end(it, outcome)
                looked = time.monotonic()

    def add(self, cells: Iterable[Cell]) -> None:
        """Give cells to the executor."""
        added = []
        for cell in cells:
            remove(cell.stop_file)
            added.append(_UnderWay(cell, cell.path, Report(cell.report), epochs_of(cell.path)))
        self._under_way |= {it.cell: it for it in added}
        self._submit(added)

    def _submit(self, chosen: list[_UnderWay]) -> None:
        for it in chosen:
            it.signs, it.changed, it.before = _signs(it), None, read_if_any(it.path / RUN_FILE)
        futures = submit_all(self.executor, [it.cell for it in chosen])
        for it, future in zip(chosen, futures, strict=True):
            it.future = future
            future.add_done_callback(partial(self._note_end, it))

    def _note_end(self, it: _UnderWay, future: Future[object]) -> None:
        self._ended.put((it, future))

    def _end(self, it: _UnderWay, outcome: Run | str) -> Run | str:
        del self._under_way[it.cell]
        remove(it.report.file, it.cell.stop_file)
        if not self._under_way:
            with contextlib.suppress(OSError):
                it.report.file.parent.rmdir()
        return outcome

    def _settle(self, it: _UnderWay, error: BaseException | None) -> Run | str | None:
        """Return how a cell has ended according to its folder; None if it was submitted again."""
        done = find_done(it.cell, self.code)
        if done is not None:
            return done
        run = Run(it.path)
        begun = read_if_any(it.path / RUN_FILE) != it.before
        if begun and run.state == "failed":
            return str(run.content.error)
        if it.cell.stop_file.exists():
            return STOPPED
        if isinstance(error, RunError) and not begun:
            return str(error)
        state = describe_state(run) if begun else "not begun"
        said = "the executor says that it is done" if error is None else f"{type(error).__name__}: {one_line(error)}"
        return self._again(it, f"its folder says that it is {state}; {said}")

    def _look(self, it: _UnderWay) -> Run | str | None:
        """Return the finished run of a cell whose executor does not answer, and submit a lost one again."""
        if self.tell is not None and (moment := it.report.read()) is not None:
            self.tell(it.cell, moment)
        now, signs = time.monotonic(), _signs(it)
        if signs != it.signs:
            it.signs, it.changed, self._life = signs, now, now
        elif it.changed is None and it.future.running():
            it.changed = now
        if it.future.done() or (it.changed is None and self._queues):
            return None
        quiet = now - (self._life if it.changed is None else it.changed)
        if quiet >= min(QUIET, self.lost_after) and Run(it.path).state == "finished":
            done = find_done(it.cell, self.code)
            if done is not None:
                return done
        if quiet < self.lost_after or is_held(it.path):
            return None
        it.future.cancel()
        return self._again(it, f"no sign of life for {quiet:.0f} s")

    def _again(self, it: _UnderWay, why: str) -> str | None:
        epochs = epochs_of(it.path)
        it.attempts, it.epochs = (1 if epochs > it.epochs else it.attempts), max(epochs, it.epochs)
        if it.attempts >= ATTEMPTS:
            return f"submitted {it.attempts} times without another epoch: {why}"
        logger.warning("%s: submitted again: %s", it.cell.label, why)
        it.attempts += 1
        self._submit([it])
        return None


def submit_all(executor: Executor, cells: Sequence[Cell]) -> list[Future[object]]:
    """Submit cells, all at once if the executor can; its errors are in the futures."""
    together: Callable[[Sequence[Cell]], list[Future[object]]] | None = getattr(executor, "submit_all", None)
    if together is not None:
        try:
            return together(cells)
        except Exception as error:
            return [_failed(error) for _ in cells]
    futures = []
    for cell in cells:
        try:
            futures.append(executor.submit(cell))
        except Exception as error:
            futures.append(_failed(error))
    return futures


def _failed(error: Exception) -> Future[object]:
    future: Future[object] = Future()
    future.set_exception(error)
    return future


def _error_of(future: Future[object]) -> BaseException | None:
    return RuntimeError("it was cancelled") if future.cancelled() else future.exception()


def _signs(it: _UnderWay) -> tuple[tuple[int, int] | None, ...]:
    return tuple(map(stamp, (it.report.file, it.path / RUN_FILE, it.path / "history.csv")))
