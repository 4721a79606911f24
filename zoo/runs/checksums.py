"""The checksums of a run folder, and doubts about its files."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path, PurePosixPath

from zoo.files import LARGEST, MEGABYTE, UnfitFileError, read_text, sha256_of, write_text
from zoo.runs.finding import files_of

CHECKSUM_FILE = "SHA256SUMS"
MOST_FILES = 10_000  # Event files of many resumed runs among them.
_LARGEST = MEGABYTE
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
    files = {item.relative_to(folder).as_posix(): item for item in files_of(folder)}
    sums, hashed = [], _Hashed()
    for name in sorted(files):
        if name != CHECKSUM_FILE and not CHECKPOINT_NAME.fullmatch(name):
            # What is too large for a file of a run is not the zoo's.
            with contextlib.suppress(UnfitFileError):
                sums.append(f"{hashed.sha256_of(files[name])}  {name}\n")
    write_text(folder / CHECKSUM_FILE, "".join(sums))


def compare_checksums(folder: Path) -> list[Doubt]:
    """Return the doubts about a folder's files, according to its checksums.

    Raises:
        OSError: the checksums cannot be read.
        ValueError: the checksums are not text, or not as the zoo writes them.
    """
    sums = folder / CHECKSUM_FILE
    found, hashed = [], _Hashed()
    for name, digest in _read_checksums(sums).items():
        file = folder / name
        if ".." in PurePosixPath(name).parts or not file.is_relative_to(folder) or _leaves(file.parent, folder):
            found.append(Doubt(DoubtKind.OUTSIDE, sums, f"{sums} names {name}, which is not in the folder"))
            continue
        try:
            same = hashed.sha256_of(file) == digest
        except (FileNotFoundError, NotADirectoryError):
            found.append(Doubt(DoubtKind.MISSING, file, f"{file} is missing"))
            continue
        except (OSError, ValueError) as error:
            text = f"{file} cannot be compared with {CHECKSUM_FILE}: {getattr(error, 'strerror', None) or error}"
            found.append(Doubt(DoubtKind.CHANGED, file, text))
            continue
        if not same:
            text = f"{file} is not the file that the run wrote ({CHECKSUM_FILE})"
            found.append(Doubt(DoubtKind.CHANGED, file, text))
    return found


class _Hashed:
    """Reads files of a folder whose sizes together are bounded, since reading many large ones takes long."""

    def __init__(self) -> None:
        self.left = LARGEST

    def sha256_of(self, file: Path) -> str:
        digest = sha256_of(file, most=self.left)
        self.left = max(0, self.left - file.stat().st_size)
        return digest


def _read_checksums(sums: Path) -> dict[str, str]:
    """Return the checksums by the names of the files, each of which is read once."""
    lines = read_text(sums, most=_LARGEST).splitlines()
    if len(lines) > MOST_FILES:
        raise ValueError(f"it names {len(lines):,} files: expected at most {MOST_FILES:,}")
    pairs = [line.partition("  ")[::2] for line in lines]
    named = {name: digest for digest, name in pairs}
    if len(named) < len(pairs):
        raise ValueError("it names a file twice")
    return named


def _leaves(path: Path, folder: Path) -> bool:
    """Return whether one of the subfolders on the way to a path is a link."""
    between = [path, *path.parents][: len(path.parts) - len(folder.parts)]
    return any(os.path.islink(each) for each in between)
