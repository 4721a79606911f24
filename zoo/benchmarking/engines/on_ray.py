"""The executor ``ray``: the machines of a Ray cluster."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from zoo.benchmarking.cells import Cell
from zoo.benchmarking.engines import ray_task
from zoo.benchmarking.engines.archive import unpack
from zoo.benchmarking.executor import Terms
from zoo.benchmarking.process import Limits
from zoo.errors import RunError, one_line
from zoo.json_fields import to_json
from zoo.progress import Moment
from zoo.training.plan import describe_plan

# What the processes on other machines get of this one's environment.
PASSED_ON = ("ZOO_", "KERAS_", "TF_", "XLA_", "JAX_", "PYTHONPATH")
MOST_WAITED = 10.0  # Seconds for machines to remove what has been collected.
BETWEEN = 1.0  # Seconds between two questions of what runs elsewhere are doing.


def make(
    terms: Terms,
    address: str | None = None,
    cpus: float = 1,
    gpus: float = 0,
    collect: bool = False,
    scratch: str | None = None,
) -> RayExecutor:
    """Return the executor ``ray``.

    Args:
        terms: what the benchmark asks for; ``jobs`` are for a cluster that is started here.
        address: the address of a cluster, or ``auto`` for the one that this machine belongs to; None: this machine
            becomes one.
        cpus: the processors of each run.
        gpus: the GPUs of each run, which may be a fraction.
        collect: the machines do not share the folder of the runs: each run is made in a folder of its machine and
            comes back when it is finished.
        scratch: that folder, on every machine; a temporary one by default.

    Raises:
        RunError: Ray is not installed, or there is no such cluster.
        ValueError: an option's value is not valid.
    """
    for name, value, least in (("cpus", cpus, 0.0), ("gpus", gpus, None)):
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value == least:
            raise ValueError(
                f"{name} is {value!r}: expected a number {'of at least 0' if least is None else 'above 0'}"
            )
    if not isinstance(collect, bool):
        raise ValueError(f"collect is {collect!r}: expected true or false")
    if terms.jobs is not None and address is not None:
        raise ValueError("jobs is for a cluster that is started here: in another, cpus and gpus say how many runs fit")
    return RayExecutor(terms, address, cpus=cpus, gpus=gpus, scratch=scratch, collect=collect)


class RayExecutor:
    """Executor that trains each run as a task of a Ray cluster; arguments as in ``make``."""

    queues = True

    def __init__(
        self, terms: Terms, address: str | None, *, cpus: float, gpus: float, collect: bool, scratch: str | None
    ) -> None:
        self._ray, self._terms, self._scratch = _import_ray(), terms, scratch
        self._limits = Limits(max(1, int(cpus)), terms.time_limit, terms.memory_limit)
        self._own = not self._ray.is_initialized()
        if self._own:
            self._connect(address, cpus)
        # No retries by Ray: the benchmark submits again what has not finished.
        self._resources = {"num_cpus": cpus, "num_gpus": gpus, "max_retries": 0}
        self._references: dict[Cell, Any] = {}
        self._cells: dict[str, Cell] = {}
        self._forgetting: list[Any] = []
        self._closed = threading.Event()
        self._unpacking = ThreadPoolExecutor(1, thread_name_prefix="zoo-collect")
        self._moments: Any = None
        if collect:
            self._moments = self._ray.remote(num_cpus=0)(ray_task.Moments).remote()
            threading.Thread(target=self._follow, daemon=True).start()

    def submit(self, cell: Cell) -> Future[object]:
        """Start a cell's run as soon as the cluster has room for it."""
        self._stop(self._references.pop(cell, None))
        future: Future[object] = Future()
        text, name = cell.to_json(), {"name": cell.label}
        if self._moments is None:
            task = self._ray.remote(**self._resources)(ray_task.train_cell).options(**name)
            reference = task.remote(text, self._limits)
            reference.future().add_done_callback(partial(_pass_on, future))
        else:
            self._cells[cell.folder] = cell
            task = self._ray.remote(**self._resources)(ray_task.train_and_pack).options(**name)
            reference = task.remote(text, self._limits, self._scratch_of(cell), self._moments)
            reference.future().add_done_callback(
                lambda done: self._unpacking.submit(_pass_on, future, done, partial(self._unpack, cell))
            )
        self._references[cell] = reference
        return future

    def close(self) -> None:
        """Stop the runs in progress, which can be resumed, and leave the cluster; end it if it was started here."""
        self._closed.set()
        for reference in self._references.values():
            self._stop(reference)
        self._unpacking.shutdown(cancel_futures=True)
        if self._forgetting:
            with contextlib.suppress(Exception):
                self._ray.wait(self._forgetting, num_returns=len(self._forgetting), timeout=MOST_WAITED)
        if self._own:
            self._ray.shutdown()

    def _connect(self, address: str | None, cpus: float) -> None:
        names = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        here: dict[str, Any] = {}
        if address is None:
            # The same modules as here.
            names["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
            jobs = self._terms.jobs
            here = {"include_dashboard": False, **({} if jobs is None else {"num_cpus": max(1, round(jobs * cpus))})}
        try:
            self._ray.init(
                address=address or "local", runtime_env={"env_vars": names}, log_to_driver=False,
                logging_level="ERROR", **here,
            )  # fmt: skip
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise RunError(
                f"Ray: {one_line(error)}: expected the address of a cluster that runs (ray start --head), or auto on "
                "one of its machines"
            ) from error

    def _stop(self, reference: Any) -> None:
        if reference is not None:
            # The cluster may be gone, and the task has ended more often than not.
            with contextlib.suppress(Exception):
                self._ray.cancel(reference, force=True)

    def _scratch_of(self, cell: Cell) -> str:
        """Return the folder for the runs of this benchmark on a machine, the same after an interruption."""
        out = str(cell.out.absolute())
        name = f"zoo-{getpass.getuser()}-{hashlib.sha256(f'{socket.gethostname()}:{out}'.encode()).hexdigest()[:12]}"
        return str(Path(self._scratch or tempfile.gettempdir(), name))

    def _unpack(self, cell: Cell, found: ray_task.Collected) -> None:
        unpack(found.archive, cell.path, to_json(describe_plan(cell.plan, cell.seed)))
        there = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(found.node, soft=False)
        forget = self._ray.remote(num_cpus=0, max_retries=0)(ray_task.forget)
        self._forgetting.append(forget.options(scheduling_strategy=there).remote(found.path))

    def _follow(self) -> None:
        """Pass on what runs elsewhere are doing."""
        while not self._closed.wait(BETWEEN):
            # Progress is shown for as long as the cluster answers.
            with contextlib.suppress(Exception):
                for folder, moment in self._ray.get(self._moments.take.remote()).items():
                    self._terms.tell(self._cells[folder], Moment(**moment))


def _pass_on(future: Future[object], done: Future[Any], use: Callable[[Any], object] = lambda found: None) -> None:
    """Let a future end as another has, once what the other holds has been used."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(use(done.result()))
    except BaseException as error:
        # Ray's own wraps what the task has raised, and adds the traceback.
        cause = getattr(error, "cause", None)
        future.set_exception(cause if isinstance(cause, RunError) else error)


def _import_ray() -> Any:
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise RunError(
            'the executor ray needs Ray, which is not installed: pip install "autoencoder-zoo[ray]"'
        ) from error
    return ray
