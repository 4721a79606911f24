"""Finding run folders in a tree of folders, which may be a whole disk."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zoo.errors import counted

MOST_LEVELS = 100  # Deeper folders are left out. Run folders lie three levels below the folder of all runs.
BETWEEN = 5.0  # Seconds between two messages of how much has been seen.
logger = logging.getLogger("zoo")


@dataclass
class Found:
    """What a search has found.

    Attributes:
        files: the files by their names, sorted; whatever has the name and is no folder, such as a pipe.
        folders: the number of folders seen.
        left_out: the number of folders that cannot be listed or lie too deep.
    """

    files: dict[str, list[Path]]
    folders: int = 0
    left_out: int = field(default=0)

    def describe(self) -> str:
        """Return how much has been seen, as part of a sentence."""
        unseen = f"; {self.left_out:,} could not be listed or lie too deep" if self.left_out else ""
        return f"looked into {counted(self.folders, 'folder')}{unseen}"


def find_files(folder: Path, *names: str) -> Found:
    """Find all files with certain names in a folder and its subfolders, without hidden folders and links to folders.

    Logs how much has been seen, now and then, and at the end of a long search or one that left something out.
    """
    found = Found({name: [] for name in names})
    begun = last = time.monotonic()
    for here, entries in _walk(folder, found):
        for entry in entries:
            if entry in found.files:
                found.files[entry].append(here / entry)
        if time.monotonic() - last >= BETWEEN:
            last = time.monotonic()
            logger.info("%s: %s so far, found %s", folder, found.describe(), _count(found))
    if time.monotonic() - begun >= BETWEEN or found.left_out:
        logger.info("%s: %s, found %s", folder, found.describe(), _count(found))
    for files in found.files.values():
        files.sort()
    return found


def _count(found: Found) -> str:
    return ", ".join(f"{len(files):,} {name}" for name, files in found.files.items())


def _walk(folder: Path, found: Found) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder, and the names in it of what is no folder."""
    waiting = [(folder, 0)]
    while waiting:
        here, level = waiting.pop()
        names: list[str] = []
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        names.append(entry.name)
                    elif level >= MOST_LEVELS:
                        found.left_out += 1
                    elif not entry.name.startswith("."):
                        waiting.append((here / entry.name, level + 1))
        except OSError:
            found.left_out += 1
            continue
        found.folders += 1
        yield here, names


def files_of(folder: Path) -> list[Path]:
    """Return the regular files in a folder and its subfolders, sorted, without those that are hidden."""
    found = [here / name for here, names in _walk(folder, Found({})) for name in names if not name.startswith(".")]
    return sorted(file for file in found if file.is_file() and not file.is_symlink())
