"""Executors for the runs of a grid: this process, or separate processes on this machine."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Protocol

import psutil

from zoo.benchmarking.cells import Cell, run_cell
from zoo.errors import RunError
from zoo.progress import Moment
from zoo.runs.lock import claim
from zoo.runs.run import Run

logger = logging.getLogger("zoo")
WARNING = "zoo warns: "  # Prefix of the lines of a process's output that are passed on.
LOOK = 0.2  # Seconds between checks of a process.
MEGABYTE = 2**20
ENDED = "the benchmark was stopped"
Tell = Callable[[Cell, Moment], None]


class Executor(Protocol):
    """The interface that takes cells and returns their runs; an executor for a cluster needs only these methods."""

    def submit(self, cell: Cell) -> Future[Run]:
        """Start a cell's run.

        Returns:
            A future of the finished run; it raises ``RunError`` with the reason if the run fails.
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

    def submit(self, cell: Cell) -> Future[Run]:
        """Train a cell's run; the future is done when this returns."""
        future: Future[Run] = Future()
        try:
            future.set_result(run_cell(cell, progress=partial(self.tell, cell) if self.tell else False))
        except Exception as error:
            future.set_exception(error)
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
        tell: a function that is told what each run is doing; threads call it, one for each job.
    """

    def __init__(
        self,
        *,
        jobs: int = 1,
        time_limit: float | None = None,
        memory_limit: float | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.time_limit, self.tell = time_limit, tell
        self.memory_limit = memory_limit or psutil.virtual_memory().available / MEGABYTE / jobs
        self.threads = max(1, (os.cpu_count() or 1) // jobs)
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="zoo-benchmark")
        self._closed = False

    def submit(self, cell: Cell) -> Future[Run]:
        """Start a cell's run as soon as a slot is free."""
        return self._pool.submit(self._do, cell)

    def close(self) -> None:
        """Start no more runs, and stop those in progress; they can be resumed."""
        self._closed = True
        self._pool.shutdown(cancel_futures=True)

    def _do(self, cell: Cell) -> Run:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryDirectory() as folder:
            report = Report(Path(folder, "report.jsonl"))
            process = self._start(cell, output, report.file)
            reason = None
            try:
                reason = self._watch(process, cell, report)
            finally:
                _kill(process)
            output.seek(0)
            said = [line.strip() for line in output.read().decode(errors="replace").splitlines()]
        for line in said:
            if line.startswith(WARNING):
                # A training names its run itself, though not its settings.
                said_itself = line.removeprefix(WARNING).removeprefix(f"{cell.preset}, seed {cell.seed}: ")
                logger.warning("%s: %s", cell.label, said_itself)
        reason = reason or _explain_end(process.returncode, [line for line in said if not line.startswith(WARNING)])
        run = Run(cell.path)
        if run.state == "finished":  # No matter what its process did afterwards.
            return run
        raise RunError(_settle(run, reason or "its process ended without finishing it"))

    def _start(self, cell: Cell, output: IO[bytes], report: Path) -> subprocess.Popen[bytes]:
        threads = str(self.threads)
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
        # Let it find the same modules as this process.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        # Nothing is ever written to its stdin: when the pipe closes, this process is gone.
        return subprocess.Popen(
            [sys.executable, "-m", "zoo.benchmarking.worker", cell.to_json(), str(report)],
            env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def _watch(self, process: subprocess.Popen[bytes], cell: Cell, report: Report) -> str | None:
        """Wait for the end of a process and tell what it does, or return the reason to stop it."""
        start = time.monotonic()
        while not _has_ended(process, LOOK):
            if self.tell is not None and (moment := report.read()) is not None:
                self.tell(cell, moment)
            if self._closed:
                return ENDED
            if self.time_limit is not None and time.monotonic() - start > self.time_limit:
                return f"it took longer than the time limit of {self.time_limit:g} s"
            used = _resident(process.pid)
            if used > self.memory_limit:
                return f"it used {used:,.0f} MiB of memory, more than the limit of {self.memory_limit:,.0f} MiB"
        return None


class Report:
    """The file to which a process appends what it is doing.

    Args:
        file: the file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._read = 0
        self._moment: Moment | None = Moment("starting", 0.0, 1, None)

    def read(self) -> Moment | None:
        """Return the latest moment that this has not returned before; None if there is none."""
        with contextlib.suppress(OSError), self.file.open("rb") as content:
            content.seek(self._read)
            whole, end, _ = content.read().rpartition(b"\n")
            self._read += len(whole) + len(end)
            if whole:
                self._moment = Moment(**json.loads(whole.splitlines()[-1]))
        moment, self._moment = self._moment, None
        return moment


def _has_ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait up to this many seconds for a process to end; return whether it has ended."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.returncode is not None


def _resident(pid: int) -> float:
    """Return the memory of a process and its child processes, in MiB."""
    total = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += each.memory_info().rss
    return total / MEGABYTE


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a session, its child processes, and what it has left running in its session."""
    if process.poll() is None:
        with contextlib.suppress(psutil.Error):
            for each in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    each.kill()
        process.kill()
        process.wait()
    # The system gives its number to no other process while one of its session is left.
    for each in psutil.process_iter() if hasattr(os, "getsid") else ():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getsid(each.pid) == process.pid:
                each.kill()
    if process.stdin is not None:
        process.stdin.close()


def _explain_end(status: int, lines: list[str]) -> str | None:
    if status == 0:
        return None
    last = next((line for line in reversed(lines) if line), "")
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        hint = ", which the system sends when memory runs out" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{hint}" + (f": {last[:200]}" if last else "")
    return f"its process ended with exit status {status}" + (f": {last[:200]}" if last else " and no output")


def _settle(run: Run, reason: str) -> str:
    """Return why a run is not finished, and record the reason in its folder if the run had started."""
    if run.state == "failed":
        return str(run.content.error)
    if run.state == "running" and reason != ENDED:  # A stopped run can be resumed.
        with contextlib.suppress(RunError, OSError), claim(run.path):
            run.save(replace(run.content, status="failed", error=reason))
    return reason
