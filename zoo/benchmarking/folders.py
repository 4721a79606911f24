"""What the folders of runs say while others train in them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from zoo.errors import RunError
from zoo.runs.lock import HeldError, claim
from zoo.runs.run import Run
from zoo.training.checkpoint import find_checkpoints


def remove(*files: Path) -> None:
    """Remove files that may be there."""
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink()


def epochs_of(path: Path) -> int:
    """Return the number of epochs after which a run could go on."""
    return max(find_checkpoints(path), default=0) if path.is_dir() else 0


def describe_state(run: Run) -> str:
    """Return what a run folder that is not done says of its run."""
    if run.state != "finished":
        return run.state
    return next(iter(run.doubts()), "finished, by code that differs from this machine's")


def read_if_any(file: Path) -> bytes | None:
    """Return the content of a file; None if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError:
        return None


def stamp(file: Path) -> tuple[int, int] | None:
    """Return what changes with a file; None if there is none."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def is_held(path: Path) -> bool:
    """Whether a process holds a run folder, as far as this machine can tell."""
    if not path.is_dir():
        return False
    try:
        with claim(path):
            return False
    except HeldError:
        return True
    except RunError:
        return False
