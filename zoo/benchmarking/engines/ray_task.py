"""What a Ray worker does with a cell: start the zoo's own worker process, and wait. Without Keras.

The process gives its memory and its GPU back when it ends, and whatever it dies of stays in it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import Any

from zoo.benchmarking.engines.archive import pack
from zoo.benchmarking.process import Limits, Task, train_apart


@dataclass(frozen=True)
class Collected:
    """A finished run that comes back from a machine that does not share the run folders.

    Args:
        archive: the run folder, as ``pack`` makes it.
        node: where it is from.
        path: its folder there.
    """

    archive: bytes
    node: str
    path: str


def train_cell(text: str, limits: Limits) -> str:
    """Train a cell in a folder that all machines share; return the run's folder; errors as in ``train_apart``."""
    task = Task.from_json(text)
    train_apart(task, limits, keep_log=True)
    return str(task.path)


def train_and_pack(text: str, limits: Limits, scratch: str, moments: Any) -> Collected:
    """Train a cell in a folder of this machine's own; return the finished run.

    Args:
        text: the cell.
        limits: what its process may use.
        scratch: the folder of run folders on this machine, where an earlier attempt may have left epochs.
        moments: the actor ``Moments``, which is told what the run is doing.
    """
    import ray

    task = Task.from_json(json.dumps({**json.loads(text), "out": scratch}))
    folder = json.loads(text)["folder"]
    train_apart(task, limits, tell=lambda moment: moments.put.remote(folder, vars(moment)))
    return Collected(pack(task.path), ray.get_runtime_context().get_node_id(), str(task.path))


def forget(path: str) -> None:
    """Remove a run folder that has been collected."""
    shutil.rmtree(path, ignore_errors=True)


class Moments:
    """An actor that keeps what runs elsewhere are doing, until the benchmark asks."""

    def __init__(self) -> None:
        self._latest: dict[str, dict[str, Any]] = {}

    def put(self, folder: str, moment: dict[str, Any]) -> None:
        """Keep the latest moment of a run."""
        self._latest[folder] = moment

    def take(self) -> dict[str, dict[str, Any]]:
        """Return what is new, by the run's folder."""
        latest, self._latest = self._latest, {}
        return latest
