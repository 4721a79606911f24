"""Official datasets: from a folder, Keras' cache or a download, verified and split."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.data.dataset import Dataset, Split, hash_arrays
from zoo.data.official_files import (
    FileFormat,
    FoundFiles,
    OfficialArrays,
    describe_formats,
    describe_search,
    find_files,
)
from zoo.errors import DatasetError

DataDir = str | os.PathLike[str] | None


@dataclass(frozen=True)
class Source:
    """Where an official dataset comes from and how it is verified and split.

    Args:
        name: the dataset's name in the zoo.
        title: its name in messages.
        classes: the class names, in the order of the labels.
        image_shape: ``(height, width, channels)``.
        validation: how many images at the end of the official training set form the validation split.
        sha256: ``hash_arrays`` of the four ``OfficialArrays``.
        formats: its file formats; the first one found is read.
        download: downloads it through Keras, which fills its cache; may raise anything.
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
        data_dir: the folder that has the official files; None uses ``$ZOO_DATA`` or, if that is not set, Keras' cache,
            downloading whatever is missing.

    Returns:
        The dataset, with splits that are views of the official arrays.

    Raises:
        DatasetError: the files are missing, damaged or from another dataset, or the download failed.
    """
    folder = find_folder(data_dir)
    if folder is None:
        return split_official(source, _read_cache(source, find_cache()))
    found = find_files(source.formats, folder)
    if found is None:
        raise DatasetError(f"{source.title} is not in {folder}: {describe_search(source.formats, folder)}")
    return split_official(source, _read_files(source, found))


def _read_files(source: Source, found: FoundFiles) -> OfficialArrays:
    return _verify(source, found.format.read(found.paths), str(found.paths[0].parent))


def _read_cache(source: Source, cache: Path) -> OfficialArrays:
    found = find_files(source.formats, cache)
    if found is None:
        return _verify(source, _download(source, cache), "Keras' download")
    try:
        return _read_files(source, found)
    except DatasetError as error:
        raise DatasetError(f"{error}; this is Keras' cache: delete the file to download it again") from error


def _verify(source: Source, arrays: OfficialArrays, origin: str) -> OfficialArrays:
    got = hash_arrays(*arrays)
    if got != source.sha256:
        raise DatasetError(
            f"the data in {origin} is not {source.title}: the SHA-256 of the decoded arrays is {got}, "
            f"expected {source.sha256}; the files may be damaged, or from another dataset with the same file names"
        )
    return arrays


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
    """Return the folder named by ``data_dir`` or ``$ZOO_DATA``, or None if neither is set.

    Raises:
        DatasetError: there is no such folder.
    """
    origin = "data_dir" if data_dir is not None else "ZOO_DATA"
    named = data_dir if data_dir is not None else os.environ.get("ZOO_DATA") or None
    if named is None:
        return None
    folder = os.path.expanduser(os.fspath(named))
    if not os.path.isdir(folder):
        raise DatasetError(f"{origin} is {folder!r}, expected an existing folder that has the dataset's files")
    return Path(folder)


def find_cache() -> Path:
    """Return the folder in which Keras keeps datasets: in ``$KERAS_HOME``, or by default in ``~/.keras``."""
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras"), "datasets")


def _download(source: Source, cache: Path) -> OfficialArrays:
    try:
        # Keras reports its progress on stdout, which is reserved for the command's result.
        with contextlib.redirect_stdout(sys.stderr):
            return source.download()
    except Exception as error:
        raise DatasetError(
            f"the download of {source.title} failed ({type(error).__name__}: {error}), and it is not in Keras' cache "
            f"{cache}; without a network pass data_dir= or set ZOO_DATA to a folder that has the official files "
            f"({describe_formats(source.formats)}), or use the embedded sample {source.name}_sample"
        ) from error
