"""What is kept after each epoch, so that a training can go on after an interrupt, a kill or a full disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ModelLoadError, RunError
from zoo.files import replacing
from zoo.runs.checksums import CHECKPOINT_NAME
from zoo.runs.history import History
from zoo.runs.run import Run
from zoo.saving.load import MODEL_FILE, load_model

_TEMPORARY = ".*-????????*"


@dataclass(frozen=True)
class Point:
    """Where a training goes on.

    Args:
        history: the epochs that are done.
        file: the model after the last of them, with the optimizer's state; None before the first.
    """

    history: History
    file: Path | None

    def load(self) -> AutoEncoder:
        """Read the model.

        Raises:
            RunError: the file is damaged, or its plugin is not there.
        """
        assert self.file is not None
        try:
            return load_model(self.file)
        except ModelLoadError as error:
            raise RunError(f"{error}: train the run anew (overwrite=True, --overwrite)") from error


def find_point(run: Run) -> Point:
    """Find where a run goes on: its checkpoint, or the best epoch's model of a run that is finished.

    Raises:
        RunError: a run that failed and left no checkpoint, or files that do not belong together.
    """
    done = find_checkpoints(run.path)
    if done:
        epoch = max(done)
        file = done[epoch]
    elif run.status == "finished" and (kept := run.content.best) is not None:
        epoch, file = kept.epoch, run.path / MODEL_FILE
    elif run.status == "failed":
        raise RunError(
            f"{run.path}: the run failed ({run.content.error}) and has no checkpoint to go on from: train it anew "
            "(overwrite=True, --overwrite)"
        )
    else:
        return Point(History(), None)
    history = History.read(run.path).first(epoch)
    if len(history) < epoch:
        raise RunError(f"{run.path}: history.csv has {len(history)} epochs, {file.name} is of epoch {epoch}")
    best = history.best
    if best is not None and best.epoch != epoch and not (run.path / MODEL_FILE).is_file():
        raise RunError(f"{run.path}: the model of the best epoch ({MODEL_FILE}) is missing: train the run anew")
    return Point(history, file)


def save_checkpoint(model: AutoEncoder, folder: Path, epoch: int) -> Path:
    """Write the model after an epoch, with the optimizer's state."""
    file = folder / f"checkpoint-{epoch}.keras"
    with replacing(file) as temporary:
        model.save(temporary)
    return file


def keep_as_best(file: Path, folder: Path) -> None:
    """Make a checkpoint the run's model."""
    with replacing(folder / MODEL_FILE) as temporary:
        shutil.copyfile(file, temporary)


def remove_checkpoints(folder: Path, but: Path | None = None) -> None:
    """Remove every checkpoint but one."""
    for file in find_checkpoints(folder).values():
        if file != but:
            file.unlink()


def remove_temporaries(folder: Path) -> None:
    """Remove what a process that was killed had half written."""
    for file in folder.glob(_TEMPORARY):
        file.unlink()


def find_checkpoints(folder: Path) -> dict[int, Path]:
    """Return a folder's checkpoints by their epochs: one, or two if it was killed between writing and removing."""
    found = ((file, CHECKPOINT_NAME.fullmatch(file.name)) for file in folder.iterdir())
    return {int(match[1]): file for file, match in found if match}
