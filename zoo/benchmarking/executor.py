"""Who does the runs of a grid: this process, or processes of their own on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import IO, Protocol

import psutil

from zoo.benchmarking.cells import Cell, run_cell
from zoo.errors import RunError
from zoo.runs.lock import claim
from zoo.runs.run import Run

logger = logging.getLogger("zoo")
WARNING = "zoo warns: "  # Begins the lines of a process's output that are passed on.
LOOK = 0.2  # Seconds between two looks at a process.
MEGABYTE = 2**20
ENDED = "the benchmark was ended"


class Executor(Protocol):
    """Takes cells and returns their runs; an executor for a cluster needs no more than this."""

    def submit(self, cell: Cell) -> Future[Run]:
        """Begin a cell's run.

        Returns:
            A future of the finished run; it raises ``RunError`` with the reason if the run fails.
        """
        ...

    def close(self) -> None:
        """Begin nothing more, and end what is under way."""
        ...


class ThisProcess:
    """Does one run after the other in this process: for architectures that no other process knows."""

    def __init__(self, *, progress: bool = False) -> None:
        self.progress = progress

    def submit(self, cell: Cell) -> Future[Run]:
        """Do a cell's run; the future is done when this returns."""
        future: Future[Run] = Future()
        try:
            future.set_result(run_cell(cell, progress=self.progress))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is under way."""


class LocalProcesses:
    """Does each run in a process of its own, so that whatever it does harms no other.

    Args:
        jobs: how many at a time; the processors are divided among them.
        time_limit: seconds after which a run is ended; None: never.
        memory_limit: 2**20 bytes of resident memory beyond which it is ended; None: an equal share of what is
            available now.
    """

    def __init__(self, *, jobs: int = 1, time_limit: float | None = None, memory_limit: float | None = None) -> None:
        self.time_limit = time_limit
        self.memory_limit = memory_limit or psutil.virtual_memory().available / MEGABYTE / jobs
        self.threads = max(1, (os.cpu_count() or 1) // jobs)
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="zoo-benchmark")
        self._closed = False

    def submit(self, cell: Cell) -> Future[Run]:
        """Begin a cell's run as soon as a place is free."""
        return self._pool.submit(self._do, cell)

    def close(self) -> None:
        """Begin nothing more, and end what is under way; it can be gone on with."""
        self._closed = True
        self._pool.shutdown(cancel_futures=True)

    def _do(self, cell: Cell) -> Run:
        with tempfile.TemporaryFile() as output:
            process = self._start(cell, output)
            reason = None
            try:
                reason = self._watch(process)
            finally:
                _kill(process)
            output.seek(0)
            said = [line.strip() for line in output.read().decode(errors="replace").splitlines()]
        for line in said:
            if line.startswith(WARNING):
                logger.warning("%s: %s", cell.label, line.removeprefix(WARNING))
        reason = reason or _explain_end(process.returncode, [line for line in said if not line.startswith(WARNING)])
        run = Run(cell.path)
        if run.state == "finished":  # Whatever its process did afterwards.
            return run
        raise RunError(_settle(run, reason or "its process ended without finishing it"))

    def _start(self, cell: Cell, output: IO[bytes]) -> subprocess.Popen[bytes]:
        threads = str(self.threads)
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
        # It finds what this process finds.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        # The pipe to its stdin is never written to: its closing signals that this process is gone.
        return subprocess.Popen(
            [sys.executable, "-m", "zoo.benchmarking.worker", cell.to_json()],
            env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def _watch(self, process: subprocess.Popen[bytes]) -> str | None:
        """Wait for the end of a process, or return the reason to end it."""
        start = time.monotonic()
        while not _has_ended(process, LOOK):
            if self._closed:
                return ENDED
            if self.time_limit is not None and time.monotonic() - start > self.time_limit:
                return f"it took longer than the time limit of {self.time_limit:g} s"
            used = _resident(process.pid)
            if used > self.memory_limit:
                return f"it used {used:,.0f} MiB of memory, more than the limit of {self.memory_limit:,.0f} MiB"
        return None


def _has_ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end of a process for some time; return whether it has ended."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.returncode is not None


def _resident(pid: int) -> float:
    """Return the memory of a process and of those that it started, 2**20 bytes."""
    total = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += each.memory_info().rss
    return total / MEGABYTE


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process, and what it started."""
    if process.poll() is None:
        with contextlib.suppress(psutil.Error):
            for each in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    each.kill()
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _explain_end(status: int, lines: list[str]) -> str | None:
    if status == 0:
        return None
    last = next((line for line in reversed(lines) if line), "")
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{hint}" + (f": {last[:200]}" if last else "")
    return f"its process ended with exit status {status}" + (f": {last[:200]}" if last else ", without a word")


def _settle(run: Run, reason: str) -> str:
    """Return why a run is not finished, and let its folder say so, if it has begun and does not."""
    if run.state == "failed":
        return str(run.content.error)
    if run.state == "running" and reason != ENDED:  # One that was ended is gone on with.
        with contextlib.suppress(RunError, OSError), claim(run.path):
            run.save(replace(run.content, status="failed", error=reason))
    return reason
