"""What happens during a training: each epoch is saved, and a loss that is no number stops it."""

from __future__ import annotations

import contextlib
import math
import sys
import time

import keras

from zoo.runs.history import History
from zoo.runs.run import Run
from zoo.runs.writer import RecordWriter
from zoo.training.checkpoint import keep_as_best, remove_checkpoints, save_checkpoint


class StopOnNonFinite(keras.callbacks.TerminateOnNaN):
    """Stop at the first step whose loss is NaN or infinite, and remember which one that was."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0
        self.message: str | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remember the epoch."""
        self.epoch = epoch

    def on_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the loss: from the first invalid step on, the running mean is invalid too."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss) and self.message is None:
            step = self.epoch * self.params["steps"] + batch + 1
            self.message = f"the loss became {loss} at step {step} (epoch {self.epoch + 1})"
            with contextlib.redirect_stdout(sys.stderr):  # Results alone go to stdout.
                super().on_batch_end(batch, logs)


class Stopwatch(keras.callbacks.Callback):
    """Time the training part of each epoch, without validation and callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.begun = time.perf_counter()
        self._start = 0.0
        self._last = 0.0

    @property
    def elapsed(self) -> float:
        """The seconds since it was made."""
        return time.perf_counter() - self.begun

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
        """Return the median over epochs; the first, which compiles the step, counts only if it is the only one."""
        times = sorted(self.seconds[1:] or self.seconds)
        return images / times[len(times) // 2] if times and times[len(times) // 2] > 0 else None


class SaveEpochs(keras.callbacks.Callback):
    """Save each epoch, in an order that leaves a folder to go on from wherever the process is killed.

    First ``history.csv``; then the checkpoint, which makes the epoch a completed one; then, of the best epoch so far,
    ``model.keras``, which can be made again from that checkpoint; then ``run.json``.

    Args:
        run: the run.
        writer: keeps its record, whose best epoch and cost are those of what is written.
        history: the epochs that are done.
        guard: says whether the loss is still a number.
        watch: times the epochs.
        images: images in an epoch.
        patience: how many epochs without a lower validation loss end the training; None: no number of them.
    """

    def __init__(
        self,
        run: Run,
        writer: RecordWriter,
        history: History,
        guard: StopOnNonFinite,
        watch: Stopwatch,
        images: int,
        patience: int | None,
    ) -> None:
        super().__init__()
        self.run, self.writer, self.history = run, writer, history
        self.guard, self.watch, self.images, self.patience = guard, watch, images, patience
        self._seconds_before = writer.cost.train_seconds or 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save the epoch, and stop after too many without a lower validation loss."""
        self.history.rows.append({"epoch": epoch + 1, "kl_weight": self.model.kl_weight, **(logs or {})})
        self.history.write(self.run.path)
        if self.guard.message is not None:
            return
        checkpoint = save_checkpoint(self.model, self.run.path, epoch + 1)
        best = self.history.best
        if best is not None and best.epoch == epoch + 1:
            keep_as_best(checkpoint, self.run.path)
            self.writer.note_best(best)
        remove_checkpoints(self.run.path, but=checkpoint)
        self.count_cost()
        self.writer.save()
        if self.history.is_over(epoch + 2, self.patience):
            self.model.stop_training = True

    def count_cost(self) -> None:
        """Bring the record's cost up to date."""
        seconds = self._seconds_before + self.watch.elapsed
        self.writer.note_training(len(self.history), seconds, self.watch.images_per_second(self.images))
