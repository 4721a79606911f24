"""CIFAR-10: 60,000 colour photographs of ten classes, 32x32 (Krizhevsky, 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data import CIFAR10_CLASSES
from zoo.data.dataset import Dataset
from zoo.data.sources import DataDir, FileFormat, OfficialArrays, Source, load_official
from zoo.errors import DatasetError

RECORDS, SIDE, CHANNELS = 10_000, 32, 3
RECORD_BYTES = 1 + SIDE * SIDE * CHANNELS


def load(data_dir: DataDir = None) -> Dataset:
    """Load CIFAR-10: 45,000 train, 5,000 validation (the last of the official training set), 10,000 test.

    Args:
        data_dir: the folder that has the six binary batches, or has them in ``cifar-10-batches-bin/``; None
            takes ``$ZOO_DATA`` and, where that is not set, Keras' cache or download.

    Returns:
        Images uint8 ``(N, 32, 32, 3)``, red, green, blue; labels uint8 0..9.

    Raises:
        DatasetError: the files are absent, damaged or of another dataset, or the download failed.
    """
    return load_official(SOURCE, data_dir)


def read_batches(paths: Sequence[Path], records: int = RECORDS) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Read binary batches one after the other into one array.

    A record is a label byte, then the red, the green and the blue plane, row by row:
    https://www.cs.toronto.edu/~kriz/cifar.html.

    Args:
        paths: the files.
        records: how many images each must have.

    Returns:
        Images uint8 ``(len(paths) * records, 32, 32, 3)`` and labels uint8 0..9.

    Raises:
        DatasetError: a file cannot be read, has another length, or has a label above 9.
    """
    images = np.empty((len(paths) * records, SIDE, SIDE, CHANNELS), np.uint8)
    labels = np.empty(len(images), np.uint8)
    for i, path in enumerate(paths):
        batch = _read_batch(path, records)
        part = slice(i * records, (i + 1) * records)
        labels[part] = batch[:, 0]
        images[part] = batch[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)
    return images, labels


def _read_batch(path: Path, records: int) -> npt.NDArray[np.uint8]:
    expected = records * RECORD_BYTES
    try:
        size = path.stat().st_size
        values = np.fromfile(path, np.uint8, expected) if size == expected else np.empty(0, np.uint8)
    except OSError as error:
        raise DatasetError(f"{path} is unreadable: {error}") from error
    if values.size != expected:
        what = "empty" if size == 0 else "truncated" if size < expected else "too long"
        raise DatasetError(
            f"{path} is {what}: {size} bytes, expected {expected} ({records} records of {RECORD_BYTES} bytes)"
        )
    batch = values.reshape(records, RECORD_BYTES)
    if batch[:, 0].max() >= len(CIFAR10_CLASSES):
        raise DatasetError(f"{path} holds the label {batch[:, 0].max()}, expected 0..{len(CIFAR10_CLASSES) - 1}")
    return batch


def _read_files(paths: Sequence[Path]) -> OfficialArrays:
    return OfficialArrays(*read_batches(paths[:-1]), *read_batches(paths[-1:]))


def _download() -> OfficialArrays:
    import keras

    (train_images, train_labels), (test_images, test_labels) = keras.datasets.cifar10.load_data()
    if keras.config.image_data_format() == "channels_first":
        train_images, test_images = (array.transpose(0, 2, 3, 1) for array in (train_images, test_images))
    # Keras gives a transposed view, in which the values of one image row are far apart.
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
            read=_read_files,
        ),
    ),
    download=_download,
)
