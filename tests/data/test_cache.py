"""Official datasets from Keras' cache, and from the download that follows where the cache has nothing."""

from dataclasses import replace

import numpy as np
import pytest
from support.data_files import (
    CIFAR10_ARRAYS,
    MNIST_ARRAYS,
    PYTHON_NAMES,
    SMALL_CIFAR10,
    SMALL_MNIST,
    make_arrays,
    make_python2_batch,
    write_cifar10,
    write_mnist,
    write_npz,
)

from zoo.data import cifar10, mnist
from zoo.data.dataset import hash_arrays
from zoo.data.sources import find_cache, load_official
from zoo.errors import DatasetError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "datasets"


def refuse():
    raise AssertionError("the download was asked for")


def test_the_cache_is_where_keras_has_it(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert find_cache() == tmp_path / "datasets"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_cache() == tmp_path / ".keras" / "datasets"


@pytest.mark.parametrize("write", [write_npz, write_mnist])
def test_mnist_is_read_from_the_cache_without_keras(cache, write):
    write(cache)
    dataset = load_official(replace(SMALL_MNIST, download=refuse))
    np.testing.assert_array_equal(dataset.test.images, MNIST_ARRAYS.test_images)


@pytest.mark.parametrize(
    "place",
    [
        "cifar-10-batches-py",
        "cifar-10-batches-py-target/cifar-10-batches-py",
        "cifar-10-batches-py/cifar-10-batches-py",
    ],
)
def test_cifar10_is_read_from_where_keras_versions_put_it(cache, place):
    write_cifar10(cache / place, make_python2_batch, PYTHON_NAMES)
    dataset = load_official(replace(SMALL_CIFAR10, download=refuse))
    np.testing.assert_array_equal(dataset.test.images, CIFAR10_ARRAYS.test_images)


def test_a_named_folder_is_not_replaced_by_the_cache(cache, tmp_path):
    write_npz(cache)
    with pytest.raises(DatasetError, match="MNIST is not in"):
        load_official(SMALL_MNIST, tmp_path)


def test_a_damaged_cache_says_how_to_get_it_anew(cache):
    write_npz(cache)
    path = cache / "mnist.npz"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(
        DatasetError, match=r"mnist\.npz is unreadable.*; this is Keras' cache: delete the file to download it again"
    ):
        load_official(replace(SMALL_MNIST, download=refuse))
    write_npz(cache, make_arrays((28, 28, 1), 30, 20, seed=1))
    with pytest.raises(
        DatasetError, match=r"is not MNIST.*; this is Keras' cache: delete the file to download it again"
    ):
        load_official(replace(SMALL_MNIST, download=refuse))


def test_an_incomplete_cache_is_downloaded(cache):
    write_cifar10(cache / "cifar-10-batches-py", make_python2_batch, PYTHON_NAMES)
    (cache / "cifar-10-batches-py" / "test_batch").unlink()
    dataset = load_official(replace(SMALL_CIFAR10, download=lambda: CIFAR10_ARRAYS))
    np.testing.assert_array_equal(dataset.test.images, CIFAR10_ARRAYS.test_images)


@pytest.mark.parametrize(("module", "name"), [(mnist, "mnist"), (cifar10, "cifar10")])
def test_without_a_network_the_error_names_the_ways_out(cache, monkeypatch, capsys, module, name):
    keras = pytest.importorskip("keras")

    def fail():
        print("Downloading data from somewhere")
        raise OSError("no route to host")

    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", fail)
    with pytest.raises(DatasetError, match=r"download of .* failed \(OSError: no route to host\)") as caught:
        module.load()
    files = [names[0] for file_format in module.SOURCE.formats for names in file_format.files]
    for word in ["data_dir=", "ZOO_DATA", *files, f"{name}_sample", str(cache)]:
        assert word in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("cache")
def test_mnist_from_keras(monkeypatch):
    keras = pytest.importorskip("keras")
    images, labels, test_images, test_labels = MNIST_ARRAYS
    given = (images[..., 0], labels), (test_images[..., 0], test_labels)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: given)
    assert load_official(SMALL_MNIST).train.images.shape == (20, 28, 28, 1)
    with pytest.raises(DatasetError, match="the data in Keras' download is not MNIST"):
        mnist.load()


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_cifar10_from_keras(monkeypatch, data_format):
    keras = pytest.importorskip("keras")
    arrays = make_arrays((32, 32, 3), 30, 20)
    order = (0, 3, 1, 2) if data_format == "channels_first" else (0, 1, 2, 3)
    given = (
        (arrays.train_images.transpose(order), arrays.train_labels[:, np.newaxis]),
        (arrays.test_images.transpose(order), arrays.test_labels[:, np.newaxis]),
    )
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: given)
    monkeypatch.setattr(keras.config, "image_data_format", lambda: data_format)
    dataset = load_official(replace(cifar10.SOURCE, validation=5, sha256=hash_arrays(*arrays)))
    np.testing.assert_array_equal(dataset.train.images, arrays.train_images[:25])
