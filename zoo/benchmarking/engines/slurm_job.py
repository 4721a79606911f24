"""What a job of Slurm does with a cell: start the zoo's own worker process, and wait. Without Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.benchmarking.process import Limits, Task, train_apart
from zoo.errors import RunError


@dataclass(frozen=True)
class CellJob:
    """A job that trains a cell, or what is left of it.

    Args:
        text: the cell.
        limits: what its process may use.
    """

    text: str
    limits: Limits

    def __call__(self) -> str | None:
        """Train the cell; return the reason if that failed."""
        try:
            train_apart(Task.from_json(self.text), self.limits, keep_log=True)
        except RunError as error:
            return str(error)
        return None

    def checkpoint(self) -> Any:
        """Return this job for submitit, which calls it before a job is preempted or timed out and submits it again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)
