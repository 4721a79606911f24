"""Official datasets: finding their files, downloading, verifying and splitting them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.data.dataset import Dataset, Split, hash_arrays
from zoo.errors import DatasetError

DataDir = str | os.PathLike[str] | None


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
    """

    files: tuple[tuple[str, ...], ...]
    folders: tuple[str, ...]
    read: Callable[[Sequence[Path]], OfficialArrays]


@dataclass(frozen=True)
class Source:
    """Where an official dataset comes from and how it is verified and split.

    Args:
        name: the dataset's name in the zoo.
        title: its name in messages.
        classes: the classes' names, in the order of the labels.
        image_shape: ``(height, width, channels)``.
        validation: how many images at the end of the official training set are the validation split.
        sha256: ``hash_arrays`` of the four ``OfficialArrays``.
        formats: the forms in which its files come, the first found is read.
        download: gets it from Keras' cache, which Keras fills on first use; may raise anything.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    validation: int
    sha256: str
    formats: tuple[FileFormat, ...]
    download: Callable[[], OfficialArrays]


def load_official(source: Source, data_dir: DataDir = None) -> Dataset:
    """Load, verify and split an official dataset.

    Args:
        source: which one.
        data_dir: the folder that has the official files; None takes ``$ZOO_DATA`` and, where that is not set,
            Keras' cache or download.

    Returns:
        The dataset, its splits being views of the official arrays.

    Raises:
        DatasetError: the files are absent, damaged or of another dataset, or the download failed.
    """
    folder = find_folder(data_dir)
    if folder is None:
        arrays, origin = _download(source), "Keras' cache"
    else:
        file_format, paths = find_files(source, folder)
        arrays, origin = file_format.read(paths), str(paths[0].parent)
    got = hash_arrays(*arrays)
    if got != source.sha256:
        raise DatasetError(
            f"the data in {origin} are not {source.title}: the SHA-256 of the decoded arrays is {got}, "
            f"expected {source.sha256}; other datasets use the same file names, and a damaged copy differs"
        )
    return split_official(source, arrays)


def split_official(source: Source, arrays: OfficialArrays) -> Dataset:
    """Split official arrays: the last ``source.validation`` images of the training set are for validation."""
    count = len(arrays.train_images) - source.validation
    images, labels = arrays.train_images, arrays.train_labels
    return Dataset(
        source.name,
        Split(images[:count], labels[:count], source.name, "train"),
        Split(images[count:], labels[count:], source.name, "validation"),
        Split(arrays.test_images, arrays.test_labels, source.name, "test"),
        source.classes,
        source.image_shape,
    )


def find_folder(data_dir: DataDir) -> Path | None:
    """Give the folder that the user named by ``data_dir`` or ``$ZOO_DATA``, or None if neither is set.

    Raises:
        DatasetError: there is no such folder.
    """
    origin = "data_dir" if data_dir is not None else "ZOO_DATA"
    named = data_dir if data_dir is not None else os.environ.get("ZOO_DATA") or None
    if named is None:
        return None
    folder = os.path.expanduser(os.fspath(named))
    if not os.path.isdir(folder):
        raise DatasetError(f"{origin} is {folder!r}, expected an existing folder that holds the dataset's files")
    return Path(folder)


def find_files(source: Source, folder: Path) -> tuple[FileFormat, list[Path]]:
    """Find a dataset's files in a folder or its usual sub-folders.

    Args:
        source: the dataset.
        folder: where to look.

    Returns:
        The first format of which every file is there in one folder, and the files' paths.

    Raises:
        DatasetError: no format is complete; the message says what was looked for, and what is missing where
            some of the files are there.
    """
    missing: list[str] = []
    for file_format in source.formats:
        for place in (folder / name for name in file_format.folders):
            paths = [_find_file(place, names) for names in file_format.files]
            present = [path for path in paths if path is not None]
            if len(present) == len(paths):
                return file_format, present
            if present:
                absent = [names[0] for names, path in zip(file_format.files, paths, strict=True) if path is None]
                missing.append(f"; {place} lacks {', '.join(absent)}")
    raise DatasetError(f"{source.title} is not in {folder}: looked for {_describe_formats(source)}{''.join(missing)}")


def _find_file(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if os.path.isfile(folder / name)), None)


def _describe_formats(source: Source) -> str:
    return "; or ".join(
        f"{', '.join(names[0] for names in file_format.files)}, in the folder itself or in "
        f"{' or '.join(name for name in file_format.folders if name != '.')}"
        for file_format in source.formats
    )


def _download(source: Source) -> OfficialArrays:
    try:
        # Keras reports its progress on stdout, which belongs to the result of the command.
        with contextlib.redirect_stdout(sys.stderr):
            return source.download()
    except Exception as error:
        raise DatasetError(
            f"the download of {source.title} failed ({type(error).__name__}: {error}); without a network "
            "give data_dir= or set ZOO_DATA to a folder that has the official files "
            f"({_describe_formats(source)}), or use the embedded sample {source.name}_sample"
        ) from error
