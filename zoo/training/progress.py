"""Training progress on stderr: a line for each epoch and, on a terminal, a bar."""

from __future__ import annotations

import contextlib
import time

import keras
from rich.console import Console

from zoo.progress import Advance, show_bar


class ShowProgress(keras.callbacks.Callback):
    """Callback that shows loss, reconstruction, KL divergence, images per second and the time left.

    Args:
        title: what is trained.
        epochs: total number of epochs.
        images: images per epoch.
        done: number of epochs already completed.
        console: where to print; stderr by default.
    """

    def __init__(self, title: str, epochs: int, images: int, done: int = 0, console: Console | None = None) -> None:
        super().__init__()
        self.title, self.epochs, self.images, self.done = title, epochs, images, done
        self.console = console or Console(stderr=True, highlight=False)
        self._open = contextlib.ExitStack()
        self._advance: Advance | None = None
        self._start = 0.0
        self._seen = 0
        self._epoch = 0
        self._rate_of_training = 0.0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Draw the bar."""
        plural = "s" if self.epochs > 1 else ""
        done = f", {self.done} already done" if self.done else ""
        self.console.print(f"training {self.title}: {self.epochs} epoch{plural} of {self.images:,} images{done}")
        if self.console.is_terminal:
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
        self.console.print(
            f"epoch {epoch + 1:>{len(str(self.epochs))}}/{self.epochs}  {_terms(logs)}  "
            f"validation {_terms(validation)}  {self._rate_of_training or self._rate():.0f} images/s",
            soft_wrap=True,
        )

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Remove the bar."""
        self.close()

    def close(self) -> None:
        """Remove the bar, also after an interrupt."""
        self._open.close()
        self._advance = None

    def _rate(self) -> float:
        return self._seen / max(time.perf_counter() - self._start, 1e-9)


def _terms(logs: dict[str, float], *, short: bool = False) -> str:
    parts = (("loss", "loss"), ("reconstruction_loss", "rec." if short else "reconstruction"), ("kl_loss", "KL"))
    digits = 1 if short else 2
    return (" " if short else "  ").join(f"{name} {logs[key]:.{digits}f}" for key, name in parts if key in logs)
