"""CIFAR-10: 60,000 colour photographs of ten classes, 32x32 (Krizhevsky, 2009)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data import CIFAR10_CLASSES
from zoo.data.dataset import Dataset
from zoo.data.formats.binary_batch import read_binary_batch
from zoo.data.formats.python_batch import read_python_batch
from zoo.data.official_files import FileFormat, OfficialArrays
from zoo.data.sources import DataDir, Source, load_official

RECORDS, SIDE, CHANNELS = 10_000, 32, 3
ReadBatch = Callable[[Path, tuple[int, int], int], tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]


def load(data_dir: DataDir = None) -> Dataset:
    """Load CIFAR-10: 45,000 train, 5,000 validation (the last of the official training set), 10,000 test.

    Args:
        data_dir: the folder that has the six binary or python batches, or has them in ``cifar-10-batches-bin/`` or
            ``cifar-10-batches-py/``; None uses ``$ZOO_DATA`` or, if that is not set, Keras' cache or download.

    Returns:
        RGB images, uint8 ``(N, 32, 32, 3)``; labels, uint8 0..9.

    Raises:
        DatasetError: the files are missing, damaged or from another dataset, or the download failed.
    """
    return load_official(SOURCE, data_dir)


def read_batches(
    paths: Sequence[Path], read: ReadBatch, records: int = RECORDS
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Read several batches into one array.

    Args:
        paths: the files; each image is stored as a red, a green and a blue plane, row by row.
        read: reads one file.
        records: the number of images required in each file.

    Returns:
        Images uint8 ``(len(paths) * records, 32, 32, 3)`` and labels uint8 0..9.

    Raises:
        DatasetError: a file cannot be read or is damaged.
    """
    images = np.empty((len(paths) * records, SIDE, SIDE, CHANNELS), np.uint8)
    labels = np.empty(len(images), np.uint8)
    for i, path in enumerate(paths):
        part = slice(i * records, (i + 1) * records)
        planes, labels[part] = read(path, (records, CHANNELS * SIDE * SIDE), len(CIFAR10_CLASSES) - 1)
        images[part] = planes.reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)
    return images, labels


def read_files(paths: Sequence[Path], read: ReadBatch, records: int = RECORDS) -> OfficialArrays:
    """Read the six batches, the last of which is the test set; arguments as in ``read_batches``."""
    return OfficialArrays(*read_batches(paths[:-1], read, records), *read_batches(paths[-1:], read, records))


def _download() -> OfficialArrays:
    import keras

    (train_images, train_labels), (test_images, test_labels) = keras.datasets.cifar10.load_data()
    if keras.config.image_data_format() == "channels_first":
        train_images, test_images = (array.transpose(0, 2, 3, 1) for array in (train_images, test_images))
    # Keras returns a transposed view, in which the values of one image row are far apart in memory.
    return OfficialArrays(
        np.ascontiguousarray(train_images),
        train_labels.reshape(-1),
        np.ascontiguousarray(test_images),
        test_labels.reshape(-1),
    )


SOURCE = Source(
    name="cifar10",
    title="CIFAR-10",
    classes=CIFAR10_CLASSES,
    image_shape=(SIDE, SIDE, CHANNELS),
    validation=5_000,
    sha256="e047f5b9c1cac5181f929d70d511465eec4cf4579882d8f02925137f9380f70b",
    formats=(
        FileFormat(
            files=(*((f"data_batch_{i}.bin",) for i in range(1, 6)), ("test_batch.bin",)),
            folders=(".", "cifar-10-batches-bin"),
            read=partial(read_files, read=read_binary_batch),
            archives=("cifar-10-binary.tar.gz",),
        ),
        FileFormat(
            files=(*((f"data_batch_{i}",) for i in range(1, 6)), ("test_batch",)),
            # Keras 3 unpacks the archive into one of the last two.
            folders=(
                ".",
                "cifar-10-batches-py",
                "cifar-10-batches-py-target/cifar-10-batches-py",
                "cifar-10-batches-py/cifar-10-batches-py",
            ),
            read=partial(read_files, read=read_python_batch),
            archives=("cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz"),
        ),
    ),
    download=_download,
)
