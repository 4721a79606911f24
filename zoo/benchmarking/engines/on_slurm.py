"""The executor ``slurm``: jobs of a Slurm cluster, submitted by submitit."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from zoo.benchmarking.cells import Cell
from zoo.benchmarking.engines.slurm_job import CellJob
from zoo.benchmarking.executor import Terms
from zoo.benchmarking.process import Limits
from zoo.errors import RunError

CLUSTERS = ("slurm", "local")
LARGEST_ARRAY = 1000  # Slurm's own limit is 1001 unless it is configured otherwise.
MOST_TIMEOUTS = 1000  # Each leaves a run that goes on.
BETWEEN = 2.0  # Seconds between two looks at the jobs; submitit itself asks Slurm only once a minute.


def make(
    terms: Terms,
    cluster: str = "slurm",
    minutes: int = 60,
    cpus: int = 1,
    gpus: int = 0,
    memory_gb: float | None = None,
    partition: str | None = None,
    **more: Any,
) -> SlurmExecutor:
    """Return the executor ``slurm``.

    Args:
        terms: what the benchmark asks for; ``jobs`` is the number of jobs of an array that run at a time.
        cluster: ``slurm``; or ``local``, which runs the jobs on this machine, all at once, to try them out.
        minutes: the time limit of each job. A job that reaches it, or is preempted, is submitted again.
        cpus: the processors of each job.
        gpus: the GPUs of each job.
        memory_gb: the memory of each job, in GB; None: what the cluster gives.
        partition: the partition.
        **more: further options of ``sbatch``, such as ``account`` or ``qos``.

    Raises:
        RunError: submitit is not installed, or there is no Slurm.
        ValueError: an option's value is not valid.
    """
    if cluster not in CLUSTERS:
        raise ValueError(f"cluster is {cluster!r}: expected one of {', '.join(CLUSTERS)}")
    for name, value, least in (("minutes", minutes, 1), ("cpus", cpus, 1), ("gpus", gpus, 0)):
        if type(value) is not int or value < least:
            raise ValueError(f"{name} is {value!r}: expected a whole number of at least {least}")
    if cluster == "slurm" and shutil.which("sbatch") is None:
        raise RunError(
            "the executor slurm needs the command sbatch, which this machine does not have: start the benchmark on a "
            "login node of the cluster, or try it here with cluster=local"
        )
    parameters = {"timeout_min": minutes, "cpus_per_task": cpus, "gpus_per_node": gpus, "mem_gb": memory_gb}
    own: dict[str, Any] = {"slurm_partition": partition, "slurm_array_parallelism": terms.jobs or LARGEST_ARRAY}
    if more:
        own["slurm_additional_parameters"] = more
    given = {name: value for name, value in (parameters | own).items() if value is not None}
    return SlurmExecutor(cluster, given, Limits(cpus, terms.time_limit, terms.memory_limit))


class SlurmExecutor:
    """Executor that trains each run as a job; the jobs of a grid form arrays.

    Args:
        cluster: ``slurm`` or ``local``.
        parameters: those of submitit.
        limits: what the process of a run may use.
    """

    queues = True

    def __init__(self, cluster: str, parameters: dict[str, Any], limits: Limits) -> None:
        self._submitit, self._cluster, self._parameters = _import_submitit(), cluster, parameters
        self._limits = limits
        self._jobs: dict[Future[object], Any] = {}
        self._latest: dict[Cell, Any] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def submit(self, cell: Cell) -> Future[object]:
        """Submit a cell as a job."""
        (future,) = self.submit_all([cell])
        return future

    def submit_all(self, cells: Sequence[Cell]) -> list[Future[object]]:
        """Submit cells as arrays of jobs."""
        futures: list[Future[object]] = []
        for first in range(0, len(cells), LARGEST_ARRAY):
            chosen = cells[first : first + LARGEST_ARRAY]
            for cell in chosen:
                _cancel(self._latest.get(cell))
            made = self._executor(chosen).submit_array([self._job(cell) for cell in chosen])
            with self._lock:
                for cell, job in zip(chosen, made, strict=True):
                    futures.append(Future())
                    self._jobs[futures[-1]] = self._latest[cell] = job
        return futures

    def close(self) -> None:
        """Cancel the jobs in progress; their runs can be resumed."""
        self._closed.set()
        self._watcher.join()
        for job in self._jobs.values():
            _cancel(job)

    def _executor(self, cells: Sequence[Cell]) -> Any:
        folder = cells[0].out.absolute() / ".slurm"
        folder.mkdir(parents=True, exist_ok=True)
        timeouts: dict[str, Any] = {f"{self._cluster}_max_num_timeout": MOST_TIMEOUTS}
        executor = self._submitit.AutoExecutor(folder, cluster=self._cluster, **timeouts)
        executor.update_parameters(name=cells[0].preset.replace("/", "-"), **self._parameters)
        return executor

    def _job(self, cell: Cell) -> CellJob:
        return CellJob(cell.to_json(), self._limits)

    def _watch(self) -> None:
        """Let futures end as their jobs do."""
        while not self._closed.wait(BETWEEN):
            with self._lock:
                jobs = list(self._jobs.items())
            for future, job in jobs:
                # Slurm may not answer for a while.
                with contextlib.suppress(Exception):
                    if job.done():
                        self._jobs.pop(future, None)
                        _end(future, job)


def _cancel(job: Any) -> None:
    if job is not None:
        # It may have ended by now.
        with contextlib.suppress(Exception):
            job.cancel(check=False)


def _end(future: Future[object], job: Any) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        reason = job.result()
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(None) if reason is None else future.set_exception(RunError(reason))


def _import_submitit() -> Any:
    try:
        import submitit
    except ImportError as error:
        raise RunError(
            'the executor slurm needs submitit, which is not installed: pip install "autoencoder-zoo[slurm]"'
        ) from error
    return submitit
