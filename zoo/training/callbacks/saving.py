"""Callbacks that save each epoch and stop training at a loss that is not finite."""

from __future__ import annotations

import contextlib
import math
import sys
import time

import keras

from zoo.autoencoder.checks.weights import find_broken
from zoo.runs.history import History
from zoo.runs.run import Run
from zoo.runs.writer import RecordWriter
from zoo.training.checkpoint import keep_as_best, remove_checkpoints, save_checkpoint


class StopOnNonFinite(keras.callbacks.TerminateOnNaN):
    """Callback that stops at the first step whose loss is NaN or infinite, and records what became of its terms."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0
        self.message: str | None = None
        self._first = 0
        self._finite: dict[str, float] = {}
        self.logs: dict[str, float] = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remember the epoch."""
        self.epoch = epoch

    def on_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Remember the first of the steps that are taken at a time."""
        self._first = batch

    def on_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Check the loss: from the first invalid step on, the running mean is invalid too."""
        logs = logs or {}
        loss = logs.get("loss", 0.0)
        if math.isfinite(loss):
            self._finite = logs
        elif self.message is None:
            batch, logs, later = self._find_step(batch, logs)
            loss = logs["loss"]
            step = self.epoch * self.params["steps"] + batch + 1
            rate = self._find_rate(later)
            self.message = (
                f"the loss became {loss} at step {step} (epoch {self.epoch + 1}), at a learning rate of {rate:.3g}: "
                f"{_explain_terms(self._finite, logs)}; try a lower learning_rate"
            )
            with contextlib.redirect_stdout(sys.stderr):  # Only results go to stdout.
                super().on_batch_end(batch, logs)

    def _find_step(self, batch: int, logs: dict[str, float]) -> tuple[int, dict[str, float], int]:
        """Return the first invalid one of the steps that were taken at a time, what it logged, and how many follow."""
        steps = self.model.logs_of_steps()
        for number, found in enumerate(steps):
            if not math.isfinite(found["loss"]):
                return self._first + number, found, len(steps) - 1 - number
            self._finite = found
        return batch, logs, 0

    def _find_rate(self, later: int) -> float:
        """Return the learning rate as it was before the last steps."""
        optimizer = self.model.optimizer
        if not later:
            return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        self.model.jax_state_sync()  # Only on JAX are there more steps at a time.
        now = keras.ops.convert_to_numpy(optimizer.iterations)
        optimizer.iterations.assign(now - later)
        rate = self._find_rate(0)
        optimizer.iterations.assign(now)
        return rate

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the epoch's values, since callbacks that follow may change the ones that they are given."""
        self.logs = dict(logs or {})

    def stop_at(self, epoch: int, reason: str) -> None:
        """Stop after an epoch that left a model that cannot be used."""
        self.message = f"after epoch {epoch} {reason}; try a lower learning_rate"
        self.model.stop_training = True


def _explain_terms(before: dict[str, float], after: dict[str, float]) -> str:
    """Return the two terms of the loss, before the step and after."""
    shown = []
    for key, name in (("reconstruction_loss", "the reconstruction loss"), ("kl_loss", "the KL divergence")):
        now = after.get(key, math.nan)
        begun = f" (before it, {before[key]:.4g})" if key in before else ""
        shown.append(f"{name} is {now:.4g}{begun}")
    return " and ".join(shown)


class Stopwatch(keras.callbacks.Callback):
    """Callback that times the training part of each epoch, without validation and callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.begun = time.perf_counter()
        self._start = 0.0
        self._last = 0.0

    @property
    def elapsed(self) -> float:
        """The seconds since the stopwatch was created."""
        return time.perf_counter() - self.begun

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the epoch's clock."""
        self._start = self._last = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Remember when the last step ended."""
        self._last = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record the epoch's time."""
        self.seconds.append(self._last - self._start)

    def images_per_second(self, images: int) -> float | None:
        """Return the median over epochs; the first, which compiles the step, counts only if there is no other."""
        times = sorted(self.seconds[1:] or self.seconds)
        return images / times[len(times) // 2] if times and times[len(times) // 2] > 0 else None


class SaveEpochs(keras.callbacks.Callback):
    """Callback that saves each epoch, in an order that leaves a resumable folder whenever the process is killed.

    First ``history.csv``; then the checkpoint, which marks the epoch as completed; then ``model.keras`` if the epoch
    is the best so far, since it can be restored from that checkpoint; then ``run.json``.

    Args:
        run: the run.
        writer: keeps the run's record, whose best epoch and cost match the files written.
        history: the completed epochs.
        guard: checks that the loss is still finite, and keeps what each epoch logged.
        watch: times the epochs.
        images: images per epoch.
        patience: stop after this many epochs without a lower validation loss; None: train all epochs.
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
        """Save the epoch, and stop after ``patience`` epochs without a lower validation loss."""
        self.history.rows.append({"epoch": epoch + 1, "kl_weight": self.model.kl_weight, **self.guard.logs})
        self.history.write(self.run.path)
        if self.guard.message is None and (broken := find_broken(self.model)) is not None:
            # A rectifier may turn NaN into zeros, and the loss stays finite.
            self.guard.stop_at(epoch + 1, broken)
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
        """Update the cost in the record."""
        seconds = self._seconds_before + self.watch.elapsed
        self.writer.note_training(len(self.history), seconds, self.watch.images_per_second(self.images))
