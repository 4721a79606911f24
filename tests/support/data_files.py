"""Makers of the files that the data tests read."""

import gzip
import os
import pickle
import struct
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from zoo.data import cifar10, mnist
from zoo.data.dataset import Dataset, Split, hash_arrays
from zoo.data.official_files import OfficialArrays

full_data = pytest.mark.skipif(not os.environ.get("ZOO_DATA"), reason="needs the official files: set ZOO_DATA")
not_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
MNIST_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
BINARY_NAMES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
PYTHON_NAMES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")


def make_arrays(shape, train, test, seed=0):
    random = np.random.default_rng(seed)
    return OfficialArrays(
        random.integers(0, 256, (train, *shape), np.uint8),
        np.arange(train, dtype=np.uint8) % 10,
        random.integers(0, 256, (test, *shape), np.uint8),
        np.arange(test, dtype=np.uint8) % 10,
    )


def make_split(count=12, shape=(4, 5, 3), dataset="toy", part="train"):
    return Split(np.zeros((count, *shape), np.uint8), np.arange(count) % 3, dataset, part)


def make_dataset(**changes):
    fields = {
        "name": "toy",
        "train": make_split(12),
        "validation": make_split(6, part="validation"),
        "test": make_split(3, part="test"),
        "classes": ("a", "b", "c"),
        "image_shape": (4, 5, 3),
    }
    return Dataset(**{**fields, **changes})


# MNIST


def make_idx(array, magic=None):
    header = magic if magic is not None else bytes([0, 0, 8, array.ndim])
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()


MNIST_ARRAYS = make_arrays((28, 28, 1), 30, 20)
SMALL_MNIST = replace(
    mnist.SOURCE,
    validation=10,
    sha256=hash_arrays(*MNIST_ARRAYS),
    formats=(
        replace(mnist.SOURCE.formats[0], read=partial(mnist.read_idx_files, train=30, test=20)),
        replace(mnist.SOURCE.formats[1], read=partial(mnist.read_npz_file, train=30, test=20)),
    ),
)


def write_mnist(folder, arrays=MNIST_ARRAYS, mark="-", suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(MNIST_NAMES, arrays, strict=True):
        content = make_idx(array[..., 0] if array.ndim == 4 else array)
        path = folder / f"{name.replace('-idx', f'{mark}idx')}{suffix}"
        path.write_bytes(gzip.compress(content) if suffix else content)


def write_npz(folder, arrays=MNIST_ARRAYS, save=np.savez_compressed):
    folder.mkdir(parents=True, exist_ok=True)
    train_images, train_labels, test_images, test_labels = arrays
    save(
        folder / "mnist.npz",
        x_train=train_images[..., 0],
        y_train=train_labels,
        x_test=test_images[..., 0],
        y_test=test_labels,
    )


# CIFAR-10


def make_planes(images):
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(len(images), -1)


def make_binary_batch(planes, labels):
    return np.concatenate([labels[:, np.newaxis], planes], axis=1).astype(np.uint8).tobytes()


def make_python3_batch(planes, labels):
    names = [f"image_s_{i:06}.png".encode() for i in range(len(labels))]
    fields = {b"batch_label": b"batch 1 of 1", b"labels": labels.tolist(), b"data": planes, b"filenames": names}
    return pickle.dumps(fields, protocol=2)


def make_python2_batch(planes, labels):
    """Write what cPickle of Python 2 does: texts of bytes, and NumPy's old names."""
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\3cnumpy\nndarray\nq\4K\0\x85U\1b\x87Rq\5"
        + (b"(K\1J" + struct.pack("<i", len(planes)) + b"J" + struct.pack("<i", planes.shape[1]))
        + b"\x86cnumpy\ndtype\nq\6U\2u1K\0K\1\x87Rq\7(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89"
        + (b"T" + struct.pack("<i", planes.size) + planes.tobytes() + b"tb")
    )
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    names = b"".join(
        b"U\x0cs_%06d.pngr" % i + struct.pack("<I", 20 + i)  # A name, then its place in the memo.
        for i in range(len(labels))
    )
    fields = [b"U\4dataq\2" + array, b"U\6labelsq\x08]q\x09(" + numbers + b"e"]
    fields += [b"U\x0bbatch_labelq\x0aU\x05batchq\x0b", b"U\x09filenamesq\x0c]q\x0d(" + names + b"e"]
    return b"\x80\2}q\1(" + b"".join(fields) + b"u."


CIFAR10_ARRAYS = make_arrays((32, 32, 3), 50, 10)
TEN_RECORDS: dict[str, Any] = {"records": 10}
SMALL_CIFAR10 = replace(
    cifar10.SOURCE,
    validation=10,
    sha256=hash_arrays(*CIFAR10_ARRAYS),
    formats=tuple(
        replace(file_format, read=partial(file_format.read, **TEN_RECORDS)) for file_format in cifar10.SOURCE.formats
    ),
)


def write_cifar10(folder, make, names, arrays=CIFAR10_ARRAYS):
    folder.mkdir(parents=True, exist_ok=True)
    images = np.concatenate([arrays.train_images, arrays.test_images])
    labels = np.concatenate([arrays.train_labels, arrays.test_labels])
    records = len(images) // 6
    for i, name in enumerate(names):
        part = slice(i * records, (i + 1) * records)
        (folder / name).write_bytes(make(make_planes(images[part]), labels[part]))
