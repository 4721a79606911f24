"""Event files for TensorBoard: logged values and pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.data.checks import as_float
from zoo.data.dataset import Split
from zoo.errors import RunError

PARTS = ("train", "validation")


def check_tensorboard() -> None:
    """Raise ``RunError`` unless event files can be written; that needs TensorFlow, whichever backend trains."""
    for package, way_out in (
        ("tensorflow", "pip install tensorflow"),
        ("tensorboard", 'pip install "autoencoder-zoo[tensorboard]"'),
    ):
        if find_spec(package) is None:
            raise RunError(f"TensorBoard's event files need the package {package}, which is not installed: {way_out}")


class WriteEvents(keras.callbacks.Callback):
    """Callback that writes event files for each epoch: ``train`` and ``validation`` in a folder.

    ``keras.callbacks.TensorBoard`` writes neither the KL weight nor pictures, and buffers events for up to two minutes,
    which are lost if the process is killed. As there, the step is the number of the epoch, but here epochs count
    from 1.

    Args:
        folder: the folder.
        shown: validation images to show above their reconstructions.
    """

    def __init__(self, folder: Path, shown: Split) -> None:
        super().__init__()
        self.folder, self.shown = folder, shown
        self._writers: dict[str, Any] = {}

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Open the files."""
        import tensorflow as tf

        for folder in (self.folder, *(self.folder / part for part in PARTS)):
            if folder.is_symlink():
                raise RunError(f"{folder} is a link, which is not followed: remove it")
        with self._writing():
            self._writers = {part: tf.summary.create_file_writer(str(self.folder / part)) for part in PARTS}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the events of an epoch."""
        import tensorflow as tf

        logs = logs or {}
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        values = {
            "train": {key: value for key, value in logs.items() if not key.startswith("val_")}
            | {"kl_weight": self.model.kl_weight, "learning_rate": rate},
            "validation": {key.removeprefix("val_"): value for key, value in logs.items() if key.startswith("val_")}
            | {"kl_weight": self.model.kl_schedule.final},
        }
        with self._writing():
            for part, writer in self._writers.items():
                with writer.as_default(step=epoch + 1):
                    for key, value in values[part].items():
                        tf.summary.scalar(key, value)
                    if part == "validation":
                        tf.summary.image("originals over reconstructions", self._picture())
                writer.flush()

    def close(self) -> None:
        """Close the files, also after an interrupt."""
        # The events of each epoch are already flushed, and a full disk has been reported.
        with contextlib.suppress(RunError), self._writing():
            for writer in self._writers.values():
                writer.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn TensorFlow's errors of several lines into a ``RunError`` of one sentence."""
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            reason = error.message.partition("\n")[0].rpartition("; ")[2]
            raise RunError(f"{self.folder} cannot be written to: {reason}") from error

    def _picture(self) -> np.ndarray:
        """Return two rows of images as one image, ``(1, 2 H, n W, 1 or 3)``, float in [0, 1]."""
        both = as_float(self.shown.images), self.model.reconstruct(self.shown)
        rows = [np.concatenate(list(row), axis=1) for row in both]
        picture = np.concatenate(rows, axis=0)[None]
        return picture if picture.shape[-1] in (1, 3) else picture[..., :1]
