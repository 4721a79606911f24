"""The record of a run during training: how it changes, and when it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoo.runs.record import BestEpoch, Cost, RunRecord, Status
from zoo.runs.run import Run


class RecordWriter:
    """Keeper of a run's record; nothing is written before ``save``.

    Args:
        run: the run.
        record: the initial record.
    """

    def __init__(self, run: Run, record: RunRecord) -> None:
        self.run, self.record = run, record

    @property
    def cost(self) -> Cost:
        """The cost of the run so far."""
        return self.record.cost

    def save(self) -> None:
        """Write the current record to ``run.json``."""
        self.run.save(self.record)

    def note_mode(self, deterministic: bool) -> None:
        """Note whether the run is reproducible to the bit."""
        self._change(provenance=replace(self.record.provenance, deterministic=deterministic))

    def note_model(self, parameters: int, precision: str) -> None:
        """Note the number of parameters and the precision of the model."""
        self._change(provenance=replace(self.record.provenance, precision=precision))
        self._change(cost=replace(self.cost, parameters=parameters))

    def note_best(self, best: BestEpoch) -> None:
        """Note a new best epoch."""
        self._change(best=best)

    def note_training(self, epochs: int, seconds: float, images_per_second: float | None) -> None:
        """Note the cost of training so far; an unknown rate keeps the previous one."""
        rate = images_per_second or self.cost.train_images_per_second
        self._change(cost=replace(self.cost, epochs=epochs, train_seconds=seconds, train_images_per_second=rate))

    def note_scores(self, scores: Mapping[str, Any] | None) -> None:
        """Note the scores on the test split; None removes them."""
        self._change(scores=scores)

    def note_inference(self, measured: Mapping[str, Any]) -> None:
        """Note the result of ``measure_cost``."""
        self._change(cost=replace(self.cost, **measured))

    def note_end(self, status: Status, error: str | None = None) -> None:
        """Note how the run ended."""
        self._change(status=status, error=error)

    def _change(self, **parts: Any) -> None:
        self.record = replace(self.record, **parts)
