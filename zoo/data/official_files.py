"""The formats in which an official dataset is distributed, and finding its files in a folder."""

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
    """One format in which a dataset is distributed.

    Args:
        files: for each file its possible names, the official one first.
        folders: where the files may be, relative to the given folder; ``"."`` is the folder itself.
        read: reads the arrays from the files' paths, in the order of ``files``; raises ``DatasetError``.
        archives: the names of archives that contain the files and must be unpacked.
    """

    files: tuple[tuple[str, ...], ...]
    folders: tuple[str, ...]
    read: Callable[[Sequence[Path]], OfficialArrays]
    archives: tuple[str, ...] = ()


class FoundFiles(NamedTuple):
    """A format whose files all exist, and their paths."""

    format: FileFormat
    paths: list[Path]


def find_files(formats: Sequence[FileFormat], folder: Path) -> FoundFiles | None:
    """Find a dataset's files in a folder or its usual sub-folders.

    Args:
        formats: the formats to look for, the preferred one first.
        folder: where to look.

    Returns:
        The first format whose files are all in one folder, or None; ``describe_search`` explains why.
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
    """Return which files are searched for, and where inside a folder."""
    return "; or ".join(
        f"{', '.join(names[0] for names in file_format.files)}, in the folder itself or in "
        f"{' or '.join(name for name in file_format.folders if name != '.')}"
        for file_format in formats
    )


def describe_search(formats: Sequence[FileFormat], folder: Path) -> str:
    """Describe a search in a folder that failed.

    Args:
        formats: the formats passed to ``find_files``.
        folder: where it looked.

    Returns:
        Part of a sentence: what was searched for, what is missing if only some files were found, and any obstacles.
    """
    found: list[str] = []
    for file_format in formats:
        for place in (folder / name for name in file_format.folders):
            absent = [names for names in file_format.files if not _find_file(place, names)]
            if len(absent) < len(file_format.files):
                found.append(f"{place} lacks {', '.join(names[0] for names in absent)}")
            if os.path.isdir(place) and not os.access(place, os.R_OK | os.X_OK):
                found.append(f"{place} is not readable")
            found += [
                f"{place / name} is a folder" for names in absent for name in names if os.path.isdir(place / name)
            ]
        found += [f"unpack {folder / name} there" for name in file_format.archives if os.path.isfile(folder / name)]
    return "; ".join([f"looked for {describe_formats(formats)}", *found])
