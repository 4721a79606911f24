"""Checkpoints written after each epoch, so that training can resume after an interrupt, a kill or a full disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ModelLoadError, RunError, counted
from zoo.files import copy_file, replacing
from zoo.runs.checksums import CHECKPOINT_NAME
from zoo.runs.history import History
from zoo.runs.run import Run
from zoo.saving.load import MODEL_FILE, load_file

_TEMPORARY = ".*-????????*"


@dataclass(frozen=True)
class Point:
    """The point at which training resumes.

    Args:
        history: the completed epochs.
        file: the model after the last of them, with the optimizer's state; None before the first.
    """

    history: History
    file: Path | None

    def load(self) -> AutoEncoder:
        """Read the model.

        Raises:
            RunError: the file is damaged, or its plugin is missing.
        """
        assert self.file is not None
        try:
            return load_file(self.file, links=False)
        except ModelLoadError as error:
            raise RunError(f"{error}: train the run from scratch (overwrite=True, --overwrite)") from error


def find_point(run: Run) -> Point:
    """Return the point to resume a run from: its checkpoint or, if it is finished, the model of its best epoch.

    Raises:
        RunError: the run failed and left no checkpoint, or its files do not match.
    """
    done = find_checkpoints(run.path)
    if done:
        epoch = max(done)
        file = done[epoch]
    elif run.status == "finished" and (kept := run.content.best) is not None:
        epoch, file = kept.epoch, run.path / MODEL_FILE
    elif run.status == "failed":
        raise RunError(
            f"{run.path}: the run failed ({run.content.error}) and has no checkpoint to resume from: train it from "
            "scratch (overwrite=True, --overwrite)"
        )
    else:
        return Point(History(), None)
    history = History.read(run.path).first(epoch)
    if len(history) < epoch:
        rows = counted(len(history), "epoch")
        raise RunError(f"{run.path}: history.csv has {rows}, but {file.name} is from epoch {epoch}")
    best = history.best
    if best is not None and best.epoch != epoch and not (run.path / MODEL_FILE).is_file():
        raise RunError(f"{run.path}: the model of the best epoch ({MODEL_FILE}) is missing: train the run from scratch")
    return Point(history, file)


def save_checkpoint(model: AutoEncoder, folder: Path, epoch: int) -> Path:
    """Write the model after an epoch, with the optimizer's state."""
    file = folder / f"checkpoint-{epoch}.keras"
    with replacing(file) as temporary:
        model.save(temporary)
    return file


def keep_as_best(file: Path, folder: Path) -> None:
    """Copy a checkpoint to be the run's model."""
    copy_file(file, folder / MODEL_FILE)


def remove_checkpoints(folder: Path, but: Path | None = None) -> None:
    """Remove every checkpoint except ``but``."""
    for file in find_checkpoints(folder).values():
        if file != but:
            file.unlink()


def remove_temporaries(folder: Path) -> None:
    """Remove temporary files left by a process that was killed while writing."""
    for file in folder.glob(_TEMPORARY):
        file.unlink()


def find_checkpoints(folder: Path) -> dict[int, Path]:
    """Return a folder's checkpoints by epoch: one, or two if the process was killed between writing and removing."""
    found = ((file, CHECKPOINT_NAME.fullmatch(file.name)) for file in folder.iterdir())
    return {int(match[1]): file for file, match in found if match}
