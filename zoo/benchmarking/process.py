"""A run in a process of its own, watched until it ends. Without Keras, for what only starts such a process."""

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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import psutil

from zoo.benchmarking.forks.client import Fork, Forks
from zoo.benchmarking.report_file import Report, file_name, report_file
from zoo.errors import RunError
from zoo.progress import Moment
from zoo.runs.lock import claim
from zoo.runs.run import Run

logger = logging.getLogger("zoo")
WARNING = "zoo warns: "  # Prefix of the lines of a process's output that are passed on.
LOOK = 0.2  # Seconds between checks of a process.
MEGABYTE = 2**20
ENDED = "the benchmark was stopped"
# The exit status of a worker whose parent is gone. Its run can be resumed.
GONE = 75
Process = subprocess.Popen[bytes] | Fork
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class Task:
    """What a process needs to train a run.

    Args:
        text: the cell, as ``Cell.to_json`` writes it.
        label: the cell's name in messages.
        preset: the preset and the seed, with which a training's own messages begin.
        path: the run's folder.
        report: the file to which the process appends what it is doing, and which it touches now and then.
        log: the file to which its output is appended where that is kept.
    """

    text: str
    label: str
    preset: str
    path: Path
    report: Path
    log: Path

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Return the task of a cell, without its plan, which needs Keras."""
        fields = json.loads(text)
        out, preset = Path(fields["out"]), f"{fields['preset']}, seed {fields['seed']}"
        name, report = file_name(fields["folder"]), report_file(out, fields["folder"])
        return cls(text, fields["label"], preset, out / fields["folder"], report, out / "logs" / f"{name}.log")


@dataclass(frozen=True)
class Limits:
    """What a process may use.

    Args:
        threads: the number of threads of each kind; None: as many as there are processors.
        seconds: time after which it is stopped; None: never.
        memory: resident memory beyond which it is stopped, in MiB; None: any.
    """

    threads: int | None = None
    seconds: float | None = None
    memory: float | None = None


def train_apart(
    task: Task,
    limits: Limits,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[Moment], None] | None = None,
    keep_log: bool = False,
    forks: Forks | None = None,
) -> None:
    """Train a run in a process of its own, wait for its end, and end all that it has left running.

    Args:
        task: what to train.
        limits: what the process may use.
        stopped: asked now and then whether to stop it; its run can be resumed.
        tell: a function that is told what the run is doing.
        keep_log: whether to keep the process's output in the task's log.
        forks: where a process is to be had that has imported Keras already; None: it is a new one.

    Raises:
        RunError: the run is not finished; its folder has the reason too, unless the run can be resumed.
    """
    report = Report(task.report)
    if keep_log:
        task.log.parent.mkdir(parents=True, exist_ok=True)
    with task.log.open("a+b") if keep_log else tempfile.TemporaryFile() as output:
        begin = output.seek(0, os.SEEK_END)
        process = _start(task, output, limits, forks)
        try:
            reason = _watch(process, limits, stopped, report, tell)
        finally:
            _kill(process)
        output.seek(begin)
        said = [line.strip() for line in output.read().decode(errors="replace").splitlines()]
    for line in said:
        if line.startswith(WARNING):
            # A training names its run itself, though not its settings.
            logger.warning("%s: %s", task.label, line.removeprefix(WARNING).removeprefix(f"{task.preset}: "))
    reason = reason or _explain_end(process.returncode, [line for line in said if not line.startswith(WARNING)])
    run = Run(task.path)
    if run.state != "finished":  # No matter what its process did afterwards.
        raise RunError(_settle(run, reason or "its process ended without finishing it"))


def make_environment(limits: Limits) -> dict[str, str]:
    """Return the variables of a run's process."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if limits.threads is not None:
        environment |= dict.fromkeys(THREADS, str(limits.threads))
    # Let it find the same modules as this process.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return environment


def _start(task: Task, output: IO[bytes], limits: Limits, forks: Forks | None) -> Process:
    environment = make_environment(limits)
    if forks is not None and (fork := forks.start([task.text], output, environment, os.getcwd())) is not None:
        return fork
    # Nothing is ever written to its stdin: when the pipe closes, this process is gone.
    return subprocess.Popen(
        [sys.executable, "-m", "zoo.benchmarking.worker", task.text],
        env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def _watch(
    process: Process,
    limits: Limits,
    stopped: Callable[[], bool],
    report: Report,
    tell: Callable[[Moment], None] | None,
) -> str | None:
    """Wait for the end of a process and tell what it does, or return the reason to stop it."""
    start = time.monotonic()
    while not _has_ended(process, LOOK):
        if tell is not None and (moment := report.read()) is not None:
            tell(moment)
        if stopped():
            return ENDED
        if limits.seconds is not None and time.monotonic() - start > limits.seconds:
            return f"it took longer than the time limit of {limits.seconds:g} s"
        if limits.memory is not None and (used := _resident(process.pid)) > limits.memory:
            return f"it used {used:,.0f} MiB of memory, more than the limit of {limits.memory:,.0f} MiB"
    return None


def _has_ended(process: Process, seconds: float) -> bool:
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


def _kill(process: Process) -> None:
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


def _explain_end(status: int | None, lines: list[str]) -> str | None:
    if not status:
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
