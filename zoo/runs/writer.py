"""The record of a run while it is trained: all that happens to it, and when it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoo.runs.record import BestEpoch, Cost, RunRecord, Status
from zoo.runs.run import Run


class RecordWriter:
    """Keeps a run's record up to date; nothing is written before ``save``.

    Args:
        run: the run.
        record: what it begins with.
    """

    def __init__(self, run: Run, record: RunRecord) -> None:
        self.run, self.record = run, record

    @property
    def cost(self) -> Cost:
        """What the run cost so far."""
        return self.record.cost

    def save(self) -> None:
        """Write ``run.json`` as of now."""
        self.run.save(self.record)

    def note_mode(self, deterministic: bool) -> None:
        """Note whether the run repeats to the bit."""
        self._change(provenance=replace(self.record.provenance, deterministic=deterministic))

    def note_model(self, parameters: int, precision: str) -> None:
        """Note what the model is that was built."""
        self._change(provenance=replace(self.record.provenance, precision=precision))
        self._change(cost=replace(self.cost, parameters=parameters))

    def note_best(self, best: BestEpoch) -> None:
        """Note a new best epoch."""
        self._change(best=best)

    def note_training(self, epochs: int, seconds: float, images_per_second: float | None) -> None:
        """Note what the training took so far; a rate that is not known leaves the one before."""
        rate = images_per_second or self.cost.train_images_per_second
        self._change(cost=replace(self.cost, epochs=epochs, train_seconds=seconds, train_images_per_second=rate))

    def note_scores(self, scores: Mapping[str, Any] | None) -> None:
        """Note the scores on the test split; None takes them back."""
        self._change(scores=scores)

    def note_inference(self, measured: Mapping[str, Any]) -> None:
        """Note what ``measure_cost`` gave."""
        self._change(cost=replace(self.cost, **measured))

    def note_end(self, status: Status, error: str | None = None) -> None:
        """Note how the run ended."""
        self._change(status=status, error=error)

    def _change(self, **parts: Any) -> None:
        self.record = replace(self.record, **parts)
