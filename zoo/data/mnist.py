"""MNIST: 70,000 grey images of handwritten digits, 28x28 (LeCun, Bottou, Bengio and Haffner, 1998)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.data import MNIST_CLASSES
from zoo.data.dataset import Dataset
from zoo.data.formats.idx import read_idx
from zoo.data.formats.npz import read_npz
from zoo.data.official_files import FileFormat, OfficialArrays
from zoo.data.sources import DataDir, Source, load_official
from zoo.errors import DatasetError

TRAIN, TEST, SIDE = 60_000, 10_000, 28


def load(data_dir: DataDir = None) -> Dataset:
    """Load MNIST: 50,000 train, 10,000 validation (the last of the official training set), 10,000 test.

    Args:
        data_dir: the folder that has the four IDX files, plain or ``.gz``, or Keras' ``mnist.npz``, or has them in
            ``mnist/`` or ``MNIST/raw/``; None uses ``$ZOO_DATA`` or, if that is not set, Keras' cache or download.

    Returns:
        Images uint8 ``(N, 28, 28, 1)``, labels uint8 0..9.

    Raises:
        DatasetError: the files are missing, damaged or from another dataset, or the download failed.
    """
    return load_official(SOURCE, data_dir)


def read_idx_files(paths: Sequence[Path], train: int = TRAIN, test: int = TEST) -> OfficialArrays:
    """Read the four IDX files.

    Args:
        paths: training images, training labels, test images, test labels.
        train: the number of training images required.
        test: the number of test images required.

    Returns:
        Images ``(N, 28, 28, 1)`` and labels 0..9.

    Raises:
        DatasetError: a file is damaged or has another shape.
    """
    largest = len(MNIST_CLASSES) - 1
    return OfficialArrays(
        read_idx(paths[0], (train, SIDE, SIDE))[..., np.newaxis],
        read_idx(paths[1], (train,), largest),
        read_idx(paths[2], (test, SIDE, SIDE))[..., np.newaxis],
        read_idx(paths[3], (test,), largest),
    )


def read_npz_file(paths: Sequence[Path], train: int = TRAIN, test: int = TEST) -> OfficialArrays:
    """Read Keras' ``mnist.npz``.

    Args:
        paths: the file.
        train: the number of training images required.
        test: the number of test images required.

    Returns:
        Images ``(N, 28, 28, 1)`` and labels 0..9.

    Raises:
        DatasetError: the file is damaged, has other arrays, or has a label above 9.
    """
    shapes = {"x_train": (train, SIDE, SIDE), "y_train": (train,), "x_test": (test, SIDE, SIDE), "y_test": (test,)}
    arrays = read_npz(paths[0], shapes)
    largest = max(arrays["y_train"].max(), arrays["y_test"].max())
    if largest >= len(MNIST_CLASSES):
        raise DatasetError(f"{paths[0]} has the label {largest}, expected 0..{len(MNIST_CLASSES) - 1}")
    return OfficialArrays(
        arrays["x_train"][..., np.newaxis],
        arrays["y_train"],
        arrays["x_test"][..., np.newaxis],
        arrays["y_test"],
    )


def _download() -> OfficialArrays:
    import keras

    (train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
    return OfficialArrays(train_images[..., np.newaxis], train_labels, test_images[..., np.newaxis], test_labels)


def _list_names(part: str, rank: int) -> tuple[str, ...]:
    # Some archives and mirrors use a dot where the official names have a hyphen.
    return tuple(f"{part}{mark}idx{rank}-ubyte{suffix}" for suffix in ("", ".gz") for mark in "-.")


SOURCE = Source(
    name="mnist",
    title="MNIST",
    classes=MNIST_CLASSES,
    image_shape=(SIDE, SIDE, 1),
    validation=10_000,
    sha256="383260f18f4249243ce05478e99cec60309ed61bf4b8d1a117f3b35aec88a6e3",
    formats=(
        FileFormat(
            files=(
                _list_names("train-images", 3),
                _list_names("train-labels", 1),
                _list_names("t10k-images", 3),
                _list_names("t10k-labels", 1),
            ),
            folders=(".", "mnist", "MNIST/raw"),
            read=read_idx_files,
        ),
        FileFormat(files=(("mnist.npz",),), folders=(".", "mnist"), read=read_npz_file),
    ),
    download=_download,
)
