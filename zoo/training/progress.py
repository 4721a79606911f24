"""Training progress: on stderr a line for each epoch and, on a terminal, a bar; or told to a function."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import keras
from rich.console import Console

from zoo.errors import counted
from zoo.progress import Advance, Moment, make_console, show_bar

FEW_STEPS = 300  # Fewer steps in all than this hardly train a model.
BETWEEN = 0.3  # Seconds between two moments that are told.


class ShowProgress(keras.callbacks.Callback):
    """Callback that shows loss, reconstruction, KL divergence, images per second and the time left.

    Args:
        title: what is trained.
        epochs: total number of epochs.
        images: images per epoch.
        done: number of epochs already completed.
        console: where to print; stderr by default.
        batch_size: images per step; None if unknown.
        shown: False shows nothing.
    """

    def __init__(
        self,
        title: str,
        epochs: int,
        images: int,
        done: int = 0,
        console: Console | None = None,
        *,
        batch_size: int | None = None,
        shown: bool = True,
    ) -> None:
        super().__init__()
        self.title, self.epochs, self.images, self.done, self.batch_size = title, epochs, images, done, batch_size
        self.console = console or make_console(shown=shown)
        self._open = contextlib.ExitStack()
        self._advance: Advance | None = None
        self._start = 0.0
        self._seen = 0
        self._epoch = 0
        self._rate_of_training = 0.0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Draw the bar."""
        done = f", {self.done} already done" if self.done else ""
        self._print(f"training {self.title}: {counted(self.epochs, 'epoch')} of {counted(self.images, 'image')}{done}")
        self._warn_of_few_steps()
        if self.console.is_terminal and not self.console.quiet:
            self._advance = self._open.enter_context(
                show_bar("", self.epochs * self.images, self.console, counted=False)
            )
            self._advance(self.done * self.images, f"epoch {self.done + 1}/{self.epochs}")

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the epoch's clock."""
        self._epoch, self._seen, self._start = epoch, 0, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Advance the bar."""
        before, steps = self._seen, self.params.get("steps") or 1
        self._seen = min(self.images, round(self.images * (batch + 1) / steps))
        if self._advance is not None:
            now = f"epoch {self._epoch + 1}/{self.epochs} {_terms(logs or {}, short=True)} {self._rate():.0f} images/s"
            self._advance(self._seen - before, now)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Record the rate of the training part."""
        self._rate_of_training = self._rate()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the epoch's line."""
        logs = logs or {}
        validation = {key.removeprefix("val_"): value for key, value in logs.items() if key.startswith("val_")}
        self._print(
            f"epoch {epoch + 1:>{len(str(self.epochs))}}/{self.epochs}  {_terms(logs)}  "
            f"validation {_terms(validation)}  {self._rate_of_training or self._rate():.0f} images/s"
        )

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Remove the bar."""
        self.close()

    def show_stage(self, stage: str) -> None:
        """Print what follows the last epoch."""
        self._print(stage)

    def close(self) -> None:
        """Remove the bar, also after an interrupt."""
        self._open.close()
        self._advance = None

    def _warn_of_few_steps(self) -> None:
        """Say how many steps there are if they are too few to expect anything of them."""
        steps = -(-self.images // self.batch_size) if self.batch_size else FEW_STEPS
        if steps * self.epochs < FEW_STEPS:
            self._print(
                f"{counted(self.images, 'image')} and batches of {self.batch_size} are {counted(steps, 'step')} per "
                f"epoch, {steps * self.epochs} in all: more epochs or a smaller batch_size train longer"
            )

    def _print(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def _rate(self) -> float:
        return self._seen / max(time.perf_counter() - self._start, 1e-9)


class ReportProgress(keras.callbacks.Callback):
    """Callback that tells a function what the run is doing, a few times per second.

    Args:
        tell: the function.
        epochs: total number of epochs.
        done: number of epochs already completed.
    """

    def __init__(self, tell: Callable[[Moment], None], epochs: int, done: int = 0) -> None:
        super().__init__()
        self.tell, self.epochs, self.done = tell, epochs, float(done)
        self._loss: float | None = None
        self._last = 0.0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Tell that training begins."""
        self._tell("training")

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Tell the loss, unless it has just been told."""
        self._loss = (logs or {}).get("loss", self._loss)
        if time.monotonic() - self._last >= BETWEEN:
            self._tell("training", (batch + 1) / (self.params.get("steps") or batch + 1))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Tell that an epoch is completed."""
        self.done = epoch + 1.0
        self._tell("training")

    def show_stage(self, stage: str) -> None:
        """Tell what follows the last epoch."""
        self._tell(stage)

    def close(self) -> None:
        """Do nothing, since nothing is held."""

    def _tell(self, stage: str, part: float = 0.0) -> None:
        self._last = time.monotonic()
        self.tell(Moment(stage, self.done + part, self.epochs, self._loss))


def _terms(logs: dict[str, float], *, short: bool = False) -> str:
    parts = (("loss", "loss"), ("reconstruction_loss", "rec." if short else "reconstruction"), ("kl_loss", "KL"))
    digits = 1 if short else 2
    return (" " if short else "  ").join(f"{name} {logs[key]:.{digits}f}" for key, name in parts if key in logs)
