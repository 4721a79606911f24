"""Progress on stderr: a bar on a terminal, a line for each epoch elsewhere."""

from __future__ import annotations

import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column


class ShowProgress(keras.callbacks.Callback):
    """Show loss, reconstruction, KL divergence, images per second and the time left.

    Args:
        title: what is trained.
        epochs: how many epochs.
        images: images in an epoch.
        done: how many epochs are done already.
        console: where to; stderr by default.
    """

    def __init__(self, title: str, epochs: int, images: int, done: int = 0, console: Console | None = None) -> None:
        super().__init__()
        self.title, self.epochs, self.images, self.done = title, epochs, images, done
        self.console = console or Console(stderr=True, highlight=False)
        self._progress: Progress | None = None
        self._task: Any = None
        self._start = 0.0
        self._seen = 0
        self._epoch = 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Draw the bar."""
        plural = "s" if self.epochs > 1 else ""
        done = f", {self.done} done before" if self.done else ""
        self.console.print(f"training {self.title}: {self.epochs} epoch{plural} of {self.images:,} images{done}")
        if not self.console.is_terminal:
            return
        whole = Column(no_wrap=True, min_width=7)
        self._progress = Progress(
            TextColumn("{task.description}"), TimeRemainingColumn(table_column=whole),
            TextColumn("{task.fields[numbers]}", table_column=Column(no_wrap=True)), BarColumn(bar_width=None),
            console=self.console, transient=True, expand=True,
        )  # fmt: skip
        self._task = self._progress.add_task(
            f"epoch {self.done + 1}", total=self.epochs * self.images, completed=self.done * self.images, numbers=""
        )
        self._progress.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the epoch's clock."""
        self._epoch, self._seen, self._start = epoch, 0, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Move the bar on."""
        steps = self.params.get("steps") or 1
        self._seen = min(self.images, round(self.images * (batch + 1) / steps))
        if self._progress is not None:
            self._progress.update(
                self._task,
                completed=self._epoch * self.images + self._seen,
                description=f"epoch {self._epoch + 1}/{self.epochs}",
                numbers=f"{_terms(logs or {}, short=True)}  {self._rate():.0f} images/s",
            )

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Keep the rate of the training part."""
        self._epoch_rate = self._rate()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the epoch's line."""
        logs = logs or {}
        validation = {key.removeprefix("val_"): value for key, value in logs.items() if key.startswith("val_")}
        rate = getattr(self, "_epoch_rate", self._rate())
        self.console.print(
            f"epoch {epoch + 1:>{len(str(self.epochs))}}/{self.epochs}  {_terms(logs)}  "
            f"validation {_terms(validation)}  {rate:.0f} images/s",
            soft_wrap=True,
        )

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Take the bar away."""
        self.close()

    def close(self) -> None:
        """Take the bar away, also after an interrupt."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _rate(self) -> float:
        return self._seen / max(time.perf_counter() - self._start, 1e-9)


def _terms(logs: dict[str, float], *, short: bool = False) -> str:
    parts = (("loss", "loss"), ("reconstruction_loss", "rec." if short else "reconstruction"), ("kl_loss", "KL"))
    digits = 1 if short else 2
    return "  ".join(f"{name} {logs[key]:.{digits}f}" for key, name in parts if key in logs)
