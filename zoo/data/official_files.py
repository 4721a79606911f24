"""The forms in which the files of an official dataset come, and finding them in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class OfficialArrays(NamedTuple):
    """A dataset as its authors published it: uint8 images ``(N, H, W, C)``, uint8 labels ``(N,)``."""

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FileFormat:
    """One form in which a dataset's files come.

    Args:
        files: for each file the names that it goes by, the official one first.
        folders: where below the given folder they may be, ``"."`` being the folder itself.
        read: from the files' paths, in the order of ``files``, to the arrays; raises ``DatasetError``.
        archives: the names of archives that hold the files and have to be unpacked.
    """

    files: tuple[tuple[str, ...], ...]
    folders: tuple[str, ...]
    read: Callable[[Sequence[Path]], OfficialArrays]
    archives: tuple[str, ...] = ()


class FoundFiles(NamedTuple):
    """A format of which every file is there, and the files' paths."""

    format: FileFormat
    paths: list[Path]


def find_files(formats: Sequence[FileFormat], folder: Path) -> FoundFiles | None:
    """Find a dataset's files in a folder or its usual sub-folders.

    Args:
        formats: the forms in which they may come, the preferred one first.
        folder: where to look.

    Returns:
        The first format of which every file is there in one folder, or None; ``describe_search`` says why.
    """
    for file_format in formats:
        for place in file_format.folders:
            paths = [_find_file(folder / place, names) for names in file_format.files]
            present = [path for path in paths if path is not None]
            if len(present) == len(paths):
                return FoundFiles(file_format, present)
    return None


def _find_file(place: Path, names: Sequence[str]) -> Path | None:
    return next((place / name for name in names if os.path.isfile(place / name)), None)


def describe_formats(formats: Sequence[FileFormat]) -> str:
    """Return which files are looked for, and where below a folder."""
    return "; or ".join(
        f"{', '.join(names[0] for names in file_format.files)}, in the folder itself or in "
        f"{' or '.join(name for name in file_format.folders if name != '.')}"
        for file_format in formats
    )


def describe_search(formats: Sequence[FileFormat], folder: Path) -> str:
    """Return what was looked for in a folder without success, and what was found of it.

    Args:
        formats: what ``find_files`` was given.
        folder: where it looked.

    Returns:
        A part of a sentence, with what is missing where some of the files are there, and what is in the way.
    """
    found: list[str] = []
    for file_format in formats:
        for place in (folder / name for name in file_format.folders):
            absent = [names for names in file_format.files if not _find_file(place, names)]
            if len(absent) < len(file_format.files):
                found.append(f"{place} lacks {', '.join(names[0] for names in absent)}")
            if os.path.isdir(place) and not os.access(place, os.R_OK | os.X_OK):
                found.append(f"{place} may not be read")
            found += [
                f"{place / name} is a folder" for names in absent for name in names if os.path.isdir(place / name)
            ]
        found += [f"unpack {folder / name} there" for name in file_format.archives if os.path.isfile(folder / name)]
    return "; ".join([f"looked for {describe_formats(formats)}", *found])
