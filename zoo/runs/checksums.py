"""The checksums of a run folder, and doubts about its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path, PurePosixPath

from zoo.files import sha256_of, write_text

CHECKSUM_FILE = "SHA256SUMS"
CHECKPOINT_NAME = re.compile(r"checkpoint-(\d+)\.keras")


class DoubtKind(Enum):
    """The kind of a doubt."""

    DAMAGED = auto()  # The record cannot be read.
    UNFINISHED = auto()  # The run did not finish.
    UNCHECKED = auto()  # There are no checksums.
    OUTSIDE = auto()  # The checksums name a file outside the folder.
    MISSING = auto()  # The checksums name a file that does not exist.
    CHANGED = auto()  # A file is not the one that the run wrote.


@dataclass(frozen=True)
class Doubt:
    """A reason why a folder's model may not match its record.

    Args:
        kind: the kind of doubt.
        file: the file in doubt.
        text: a description for the user.
    """

    kind: DoubtKind
    file: Path
    text: str


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of all other files except checkpoints, with subfolders, as ``sha256sum -c`` reads it."""
    files = {item.relative_to(folder).as_posix(): item for item in folder.rglob("*") if item.is_file()}
    sums = [
        f"{sha256_of(files[name])}  {name}\n"
        for name in sorted(files)
        if name != CHECKSUM_FILE and not name.startswith(".") and not CHECKPOINT_NAME.fullmatch(name)
    ]
    write_text(folder / CHECKSUM_FILE, "".join(sums))


def compare_checksums(folder: Path) -> list[Doubt]:
    """Return the doubts about a folder's files, according to its checksums.

    Raises:
        OSError: the checksums cannot be read.
        ValueError: the checksums are not text.
    """
    sums = folder / CHECKSUM_FILE
    found = []
    for line in sums.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        file = folder / name
        if ".." in PurePosixPath(name).parts or not file.is_relative_to(folder):
            found.append(Doubt(DoubtKind.OUTSIDE, sums, f"{sums} names {name}, which is not in the folder"))
        elif not file.is_file():
            found.append(Doubt(DoubtKind.MISSING, file, f"{file} is missing"))
        elif sha256_of(file) != digest:
            text = f"{file} is not the file that the run wrote ({CHECKSUM_FILE})"
            found.append(Doubt(DoubtKind.CHANGED, file, text))
    return found
