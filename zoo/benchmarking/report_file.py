"""The files in which a run's process says what it is doing, and is told to stop. Without Keras."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from zoo.progress import Moment


def report_file(out: Path, folder: str) -> Path:
    """Return the file in which a run of a benchmark says what it is doing.

    Args:
        out: the folder that holds the run folders.
        folder: the run's folder, relative to it.
    """
    return out / ".progress" / f"{file_name(folder)}.jsonl"


def file_name(folder: str) -> str:
    """Return a run's folder as part of a file's name."""
    return folder.replace("/", "--")


def stop_file(report: Path) -> Path:
    """Return the file whose presence ends the process that writes a report."""
    return report.with_suffix(".stop")


class Report:
    """The file to which a process appends what it is doing.

    What is in it already is left out, and left there: an earlier process may still be at work.

    Args:
        file: the file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._read = file.stat().st_size if file.exists() else 0

    def read(self) -> Moment | None:
        """Return the latest moment that this has not returned before; None if there is none."""
        moment = None
        # What is shown may be lost: another benchmark in the folder may begin the file anew.
        with contextlib.suppress(OSError, ValueError, TypeError), self.file.open("rb") as content:
            content.seek(self._read)
            whole, end, _ = content.read().rpartition(b"\n")
            self._read += len(whole) + len(end)
            if whole:
                moment = Moment(**json.loads(whole.splitlines()[-1]))
        return moment
