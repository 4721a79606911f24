"""Official datasets from a folder that the user names."""

import gzip
import os
import shutil

import numpy as np
import pytest
from support.data_files import (
    BINARY_NAMES,
    CIFAR10_ARRAYS,
    MNIST_ARRAYS,
    MNIST_NAMES,
    PYTHON_NAMES,
    SMALL_CIFAR10,
    SMALL_MNIST,
    make_arrays,
    make_binary_batch,
    make_idx,
    make_python2_batch,
    make_python3_batch,
    not_root,
    write_cifar10,
    write_mnist,
    write_npz,
)

from zoo.data import cifar10, mnist
from zoo.data.dataset import hash_arrays
from zoo.data.sources import load_official
from zoo.errors import DatasetError

PYTHON_FOLDERS = [
    "",
    "cifar-10-batches-py",
    "cifar-10-batches-py/cifar-10-batches-py",
    "cifar-10-batches-py-target/cifar-10-batches-py",
]


def check_mnist(dataset):
    assert repr(dataset) == "Dataset(mnist: 20 / 10 / 20 images of shape (28, 28, 1))"
    np.testing.assert_array_equal(dataset.train.images, MNIST_ARRAYS.train_images[:20])
    np.testing.assert_array_equal(dataset.validation.images, MNIST_ARRAYS.train_images[20:])
    np.testing.assert_array_equal(dataset.validation.labels, MNIST_ARRAYS.train_labels[20:])
    np.testing.assert_array_equal(dataset.test.images, MNIST_ARRAYS.test_images)


@pytest.mark.parametrize("place", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize(("mark", "suffix"), [("-", ""), (".", ""), ("-", ".gz"), (".", ".gz")])
def test_mnist_files_are_found_by_their_usual_names(tmp_path, place, mark, suffix):
    write_mnist(tmp_path / place, mark=mark, suffix=suffix)
    check_mnist(load_official(SMALL_MNIST, tmp_path))


@pytest.mark.parametrize("place", ["", "mnist"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_mnist_npz_gives_the_same_arrays(tmp_path, place, save):
    write_npz(tmp_path / place, save=save)
    check_mnist(load_official(SMALL_MNIST, tmp_path))


@pytest.mark.parametrize("make", [make_python2_batch, make_python3_batch])
@pytest.mark.parametrize("place", PYTHON_FOLDERS)
def test_cifar10_python_batches_are_found(tmp_path, make, place):
    write_cifar10(tmp_path / place, make, PYTHON_NAMES)
    dataset = load_official(SMALL_CIFAR10, tmp_path)
    np.testing.assert_array_equal(dataset.train.images, CIFAR10_ARRAYS.train_images[:40])
    np.testing.assert_array_equal(dataset.test.labels, CIFAR10_ARRAYS.test_labels)


@pytest.mark.parametrize("place", ["", "cifar-10-batches-bin"])
def test_cifar10_binary_batches_are_found(tmp_path, place):
    write_cifar10(tmp_path / place, make_binary_batch, BINARY_NAMES)
    dataset = load_official(SMALL_CIFAR10, tmp_path)
    np.testing.assert_array_equal(dataset.validation.images, CIFAR10_ARRAYS.train_images[40:])
    np.testing.assert_array_equal(dataset.test.images, CIFAR10_ARRAYS.test_images)


def test_other_data_under_the_same_names_are_refused(tmp_path):
    write_mnist(tmp_path / "mnist", make_arrays((28, 28, 1), 30, 20, seed=1))
    with pytest.raises(DatasetError, match=r"is not MNIST: the SHA-256 .* expected .* another dataset with") as caught:
        load_official(SMALL_MNIST, tmp_path)
    assert str(tmp_path / "mnist") in str(caught.value)


def test_other_data_of_the_official_size_are_refused(tmp_path):
    images, labels = np.zeros((70_000, 28, 28, 1), np.uint8), np.zeros(70_000, np.uint8)
    write_npz(tmp_path, (images[10_000:], labels[10_000:], images[:10_000], labels[:10_000]))
    with pytest.raises(
        DatasetError, match=r"is not MNIST: the SHA-256 .* expected 383260f18f42.* another dataset with"
    ):
        mnist.load(tmp_path)


def test_one_flipped_byte_is_found(tmp_path):
    write_cifar10(tmp_path, make_binary_batch, BINARY_NAMES)
    content = bytearray((tmp_path / BINARY_NAMES[2]).read_bytes())
    content[5000] ^= 1
    (tmp_path / BINARY_NAMES[2]).write_bytes(content)
    with pytest.raises(DatasetError, match=r"is not CIFAR-10: .* may be damaged"):
        load_official(SMALL_CIFAR10, tmp_path)


def test_counts_of_images_and_labels_must_agree(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / MNIST_NAMES[1]).write_bytes(make_idx(np.zeros(29)))
    with pytest.raises(DatasetError, match=r"train-labels-idx1-ubyte has shape \(29,\), expected \(30,\)"):
        load_official(SMALL_MNIST, tmp_path)


@pytest.mark.parametrize("write", [write_mnist, write_npz])
def test_labels_above_nine_are_refused(tmp_path, write):
    write(tmp_path, MNIST_ARRAYS._replace(test_labels=np.full(20, 11, np.uint8)))
    with pytest.raises(DatasetError, match=r"(t10k-labels-idx1-ubyte|mnist\.npz) has the (value|label) 11, expected 0"):
        load_official(SMALL_MNIST, tmp_path)


@pytest.fixture
def no_download(monkeypatch):
    keras = pytest.importorskip("keras")

    def fail(*args, **kwargs):
        raise AssertionError("the download was asked for")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", fail)


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize("by", ["data_dir", "ZOO_DATA"])
@pytest.mark.parametrize(
    ("module", "title", "looked_for"),
    [
        (mnist, "MNIST", [*MNIST_NAMES, "mnist.npz", "mnist or MNIST/raw"]),
        (cifar10, "CIFAR-10", [*BINARY_NAMES, *PYTHON_NAMES, "cifar-10-batches-bin", "cifar-10-batches-py"]),
    ],
)
def test_a_folder_without_the_files_is_an_error_never_a_download(tmp_path, monkeypatch, by, module, title, looked_for):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    if by == "ZOO_DATA":
        monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match=f"{title} is not in ") as caught:
        module.load(tmp_path if by == "data_dir" else None)
    for word in [str(tmp_path), *looked_for]:
        assert word in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / MNIST_NAMES[3]).unlink()
    with pytest.raises(DatasetError, match=r"mnist lacks t10k-labels-idx1-ubyte$"):
        load_official(SMALL_MNIST, tmp_path)


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / MNIST_NAMES[0]).unlink()
    (tmp_path / MNIST_NAMES[0]).mkdir()
    with pytest.raises(DatasetError, match=r"lacks train-images-idx3-ubyte; .*train-images-idx3-ubyte is a folder$"):
        load_official(SMALL_MNIST, tmp_path)
    # As Kaggle packs them: the file's other name beside the folder.
    (tmp_path / MNIST_NAMES[0] / MNIST_NAMES[0]).write_bytes(make_idx(MNIST_ARRAYS.train_images[..., 0]))
    shutil.copy(tmp_path / MNIST_NAMES[0] / MNIST_NAMES[0], tmp_path / "train-images.idx3-ubyte")
    check_mnist(load_official(SMALL_MNIST, tmp_path))


def test_a_packed_archive_is_to_be_unpacked(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(DatasetError, match=r"unpack .*cifar-10-python\.tar\.gz there$"):
        cifar10.load(tmp_path)


def test_data_dir_goes_before_the_environment(tmp_path, monkeypatch):
    write_mnist(tmp_path / "good")
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "absent"))
    assert len(load_official(SMALL_MNIST, str(tmp_path / "good")).test) == 20
    with pytest.raises(DatasetError, match=r"ZOO_DATA is .*absent.*expected an existing folder"):
        load_official(SMALL_MNIST)
    for absent in ("", "a\0b", tmp_path / "good" / MNIST_NAMES[0]):
        with pytest.raises(DatasetError, match=r"data_dir is .*expected an existing folder"):
            load_official(SMALL_MNIST, absent)


@not_root
def test_what_may_not_be_read_is_named(tmp_path):
    write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / MNIST_NAMES[0]).chmod(0)
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte is unreadable: .*Permission denied"):
        load_official(SMALL_MNIST, tmp_path)
    (tmp_path / "mnist").chmod(0)
    try:
        with pytest.raises(DatasetError, match=r"mnist is not readable$"):
            load_official(SMALL_MNIST, tmp_path)
    finally:
        (tmp_path / "mnist").chmod(0o700)


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DatasetError, match=r"is not readable$"):
        load_official(SMALL_MNIST, tmp_path)


def test_the_splits_are_views_of_the_official_arrays(tmp_path):
    write_npz(tmp_path)
    dataset = load_official(SMALL_MNIST, tmp_path)
    assert dataset.train.images.base is not None
    joined = [np.concatenate([getattr(dataset.train, k), getattr(dataset.validation, k)]) for k in ("images", "labels")]
    assert hash_arrays(*joined, dataset.test.images, dataset.test.labels) == SMALL_MNIST.sha256
