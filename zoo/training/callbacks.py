"""What happens during a training: the best model is kept, the history written, a loss that is no number stops it."""

from __future__ import annotations

import csv
import io
import math
import time
from typing import Any

import keras

from zoo.files import replacing, write_text
from zoo.saving import MODEL_FILE
from zoo.training.run import HISTORY_FILE, Run


class KeepBest(keras.callbacks.Callback):
    """Save the model after each epoch that has the lowest validation loss so far.

    Validation uses the final KL weight, so the losses of a warm-up's epochs can be compared.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.best: dict[str, Any] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save, if this epoch is the best."""
        logs = logs or {}
        loss = logs["val_loss"]
        if not math.isfinite(loss) or (self.best is not None and loss >= self.best["loss"]):
            return
        with replacing(self.run.path / MODEL_FILE) as temporary:
            self.model.save(temporary)
        self.best = {"epoch": epoch + 1, "loss": loss, "negative_elbo": logs["val_negative_elbo"]}


class WriteHistory(keras.callbacks.Callback):
    """Write ``history.csv`` whole after each epoch."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.rows: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add a row."""
        self.rows.append({"epoch": epoch + 1, "kl_weight": self.model.kl_weight, **(logs or {})})
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.run.path / HISTORY_FILE, text.getvalue())

    @property
    def columns(self) -> dict[str, list[float]]:
        """The history, column by column."""
        return {key: [row[key] for row in self.rows] for key in (self.rows[0] if self.rows else ())}


class StopOnNonFinite(keras.callbacks.Callback):
    """Stop at the first step whose loss is NaN or infinite."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0
        self.step = 0
        self.message: str | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remember the epoch."""
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the loss: the running mean is no number from the first step on that is none."""
        self.step += 1
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss) and self.message is None:
            self.message = f"the loss became {loss} at step {self.step} (epoch {self.epoch})"
            self.model.stop_training = True


class Stopwatch(keras.callbacks.Callback):
    """Time the training part of each epoch, without validation and callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._start = 0.0
        self._last = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start."""
        self._start = self._last = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Remember when the last step ended."""
        self._last = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the epoch's time."""
        self.seconds.append(self._last - self._start)

    def images_per_second(self, images: int) -> float | None:
        """Give the median over epochs; the first, which compiles the step, counts only if it is the only one."""
        times = sorted(self.seconds[1:] or self.seconds)
        return images / times[len(times) // 2] if times and times[len(times) // 2] > 0 else None
