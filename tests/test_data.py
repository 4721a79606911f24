import gzip
import os
import struct
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from zoo.data import cifar10, mnist, samples
from zoo.data.dataset import Dataset, Split, hash_arrays
from zoo.data.idx import read_idx
from zoo.data.samples.make import pick_first, write_sample
from zoo.data.sources import OfficialArrays, load_official, split_official
from zoo.errors import DatasetError

full_data = pytest.mark.skipif(not os.environ.get("ZOO_DATA"), reason="needs the official files: set ZOO_DATA")
MNIST_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def make_idx(array, magic=None):
    header = magic if magic is not None else bytes([0, 0, 8, array.ndim])
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()


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


# Dataset and Split


def test_split_is_read_only_and_copies_nothing():
    images = np.zeros((4, 2, 2, 1), np.uint8)
    split = Split(images, np.zeros(4, np.int64), "toy", "train")
    assert len(split) == 4
    assert np.shares_memory(split.images, images)
    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 1
    images[0] = 1  # the caller's own array is left as it was


@pytest.mark.parametrize(
    ("images", "labels", "part", "message"),
    [
        (
            np.zeros((2, 4, 4, 1), np.float32),
            np.zeros(2, int),
            "train",
            "images are float32 .* expected uint8",
        ),
        (
            np.zeros((2, 4, 4), np.uint8),
            np.zeros(2, int),
            "train",
            r"shape \(2, 4, 4\): expected uint8 of shape",
        ),
        (np.zeros((0, 4, 4, 1), np.uint8), np.zeros(0, int), "train", "not empty"),
        (
            np.zeros((2, 4, 4, 1), np.uint8),
            np.zeros(3, int),
            "train",
            r"shape \(3,\): expected integers .*\(2,\)",
        ),
        (
            np.zeros((2, 4, 4, 1), np.uint8),
            np.zeros((2, 1), int),
            "train",
            r"shape \(2, 1\): expected integers",
        ),
        (np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2), "train", "labels are float64"),
        (
            np.zeros((2, 4, 4, 1), np.uint8),
            np.zeros(2, int),
            "valid",
            "'valid': expected one of train, validation",
        ),
    ],
)
def test_split_says_what_is_wrong(images, labels, part, message):
    with pytest.raises(ValueError, match=message):
        Split(images, labels, "toy", part)


def test_sha256_depends_on_values_shape_and_type_but_not_on_memory_layout():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    known = hash_arrays(array)
    assert known == hash_arrays(np.asfortranarray(array))
    assert known != hash_arrays(array.reshape(2, 4, 3))
    assert known != hash_arrays(array.astype(np.int8))
    assert hash_arrays(array.astype(">i4")) == hash_arrays(array.astype("<i4"))
    assert hash_arrays(array, array) != known


def test_sha256_is_as_documented():
    import hashlib

    split = Split(np.full((5000, 1, 2, 1), 7, np.uint8), np.arange(5000, dtype="<i4") % 3, "toy", "train")
    text = b"uint8 5000x1x2x1\n" + b"\7" * 10_000 + b"int32 5000\n" + split.labels.tobytes()
    assert split.sha256 == hashlib.sha256(text).hexdigest()
    assert split.limit(4999).sha256 != split.sha256


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "3", None])
def test_limit_must_be_a_positive_int(limit):
    with pytest.raises(ValueError, match="expected a positive int"):
        make_split().limit(limit)
    with pytest.raises(ValueError, match="expected a positive int"):
        make_dataset().limit(limit)


def test_limit_takes_the_first_of_each_split():
    dataset = make_dataset().limit(np.int64(5))
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [5, 5, 3]
    assert dataset.train.labels.tolist() == [0, 1, 2, 0, 1]
    assert repr(dataset) == "Dataset(toy: 5 / 5 / 3 images of shape (4, 5, 3))"
    assert repr(dataset.test) == "Split(toy test: 3 images of shape (4, 5, 3))"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": make_split(part="train")}, "test is the split toy train: expected toy test"),
        ({"name": "other"}, "train is the split toy train: expected other train"),
        ({"train": np.zeros(3)}, "train is a ndarray: expected a Split"),
        ({"test": make_split(shape=(5, 4, 3), part="test")}, r"shape \(5, 4, 3\): expected \(4, 5, 3\)"),
        ({"image_shape": (4, 5)}, "image_shape"),
        ({"classes": ("a", "b")}, r"train has labels 0\.\.2: expected 0\.\.1"),
    ],
)
def test_dataset_says_what_is_wrong(changes, message):
    with pytest.raises(ValueError, match=message):
        make_dataset(**changes)


def test_a_dataset_may_have_no_classes():
    assert make_dataset(classes=()).classes == ()


# IDX files


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_round_trip(tmp_path, suffix):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / f"images{suffix}"
    path.write_bytes(gzip.compress(make_idx(array)) if suffix else make_idx(array))
    read = read_idx(path, (2, 3, 4))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
GOOD = make_idx(IMAGES)
IDX_DEFECTS = {
    "empty": (b"", "is empty"),
    "truncated": (GOOD[:-5], "truncated: 19 bytes after the header, expected 24"),
    "ends inside the header": (GOOD[:10], "ends inside its header"),
    "too long": (GOOD + b"\0\0", "too long: .* expected 24 bytes"),
    "labels instead of images": (make_idx(np.zeros(2)), "begins with 00000801, expected 00000803"),
    "not bytes": (make_idx(IMAGES, bytes([0, 0, 13, 3])), "begins with 00000d03, expected 00000803"),
    "not IDX": (b"<html>not found</html>", "begins with 3c68746d, expected 00000803"),
    "other count": (make_idx(IMAGES[:1]), r"shape is \(1, 3, 4\), expected \(2, 3, 4\)"),
    "other size": (make_idx(IMAGES.reshape(2, 4, 3)), r"shape is \(2, 4, 3\), expected \(2, 3, 4\)"),
    "huge header": (bytes([0, 0, 8, 3]) + b"\xff" * 12, r"shape is \(4294967295, .*expected \(2, 3, 4\)"),
}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("defect", IDX_DEFECTS)
def test_idx_defects_name_the_file_and_what_is_wrong(tmp_path, defect, suffix):
    content, message = IDX_DEFECTS[defect]
    path = tmp_path / f"images{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    with pytest.raises(DatasetError, match=message) as caught:
        read_idx(path, (2, 3, 4))
    assert str(path) in str(caught.value)


def corrupt(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD, id="not gzip"),
        pytest.param(gzip.compress(GOOD)[:-12], id="cut off"),
        pytest.param(gzip.compress(GOOD)[:-8] + b"\0" * 8, id="wrong checksum"),
        pytest.param(corrupt(gzip.compress(GOOD)), id="corrupt"),
    ],
)
def test_gzip_defects_are_dataset_errors(tmp_path, content):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"images\.gz .*(damaged|begins with|shape is|truncated)"):
        read_idx(path, (2, 3, 4))


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    import tracemalloc

    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(GOOD + b"\0" * 50_000_000))
    tracemalloc.start()
    with pytest.raises(DatasetError, match="too long: more after the header, expected 24 bytes"):
        read_idx(path, (2, 3, 4))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_idx_labels_above_the_largest(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(make_idx(np.array([1, 9, 10])))
    with pytest.raises(DatasetError, match=r"labels holds the value 10, expected 0\.\.9"):
        read_idx(path, (3,), largest=9)


def test_idx_unreadable(tmp_path):
    with pytest.raises(DatasetError, match="is unreadable"):
        read_idx(tmp_path / "absent", (3,))


# The official sources, with small files


MNIST_ARRAYS = make_arrays((28, 28, 1), 30, 20)
SMALL_MNIST = replace(
    mnist.SOURCE,
    validation=10,
    sha256=hash_arrays(*MNIST_ARRAYS),
    formats=(replace(mnist.SOURCE.formats[0], read=partial(mnist.read_idx_files, train=30, test=20)),),
)


def write_mnist(folder, arrays=MNIST_ARRAYS, mark="-", suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(MNIST_NAMES, arrays, strict=True):
        content = make_idx(array[..., 0] if array.ndim == 4 else array)
        path = folder / f"{name.replace('-idx', f'{mark}idx')}{suffix}"
        path.write_bytes(gzip.compress(content) if suffix else content)


@pytest.mark.parametrize("place", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize(("mark", "suffix"), [("-", ""), (".", ""), ("-", ".gz"), (".", ".gz")])
def test_mnist_files_are_found_by_their_usual_names(tmp_path, place, mark, suffix):
    write_mnist(tmp_path / place, mark=mark, suffix=suffix)
    dataset = load_official(SMALL_MNIST, tmp_path)
    assert repr(dataset) == "Dataset(mnist: 20 / 10 / 20 images of shape (28, 28, 1))"
    np.testing.assert_array_equal(dataset.train.images, MNIST_ARRAYS.train_images[:20])
    np.testing.assert_array_equal(dataset.validation.images, MNIST_ARRAYS.train_images[20:])
    np.testing.assert_array_equal(dataset.validation.labels, MNIST_ARRAYS.train_labels[20:])
    np.testing.assert_array_equal(dataset.test.images, MNIST_ARRAYS.test_images)


def test_other_data_under_the_same_names_are_refused(tmp_path):
    write_mnist(tmp_path / "mnist", make_arrays((28, 28, 1), 30, 20, seed=1))
    with pytest.raises(DatasetError, match=r"are not MNIST: the SHA-256 .* expected") as caught:
        load_official(SMALL_MNIST, tmp_path)
    assert str(tmp_path / "mnist") in str(caught.value)


def test_counts_of_images_and_labels_must_agree(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / MNIST_NAMES[1]).write_bytes(make_idx(np.zeros(29)))
    with pytest.raises(DatasetError, match=r"train-labels-idx1-ubyte says that its shape is \(29,\), expected \(30,\)"):
        load_official(SMALL_MNIST, tmp_path)


def test_labels_above_nine_are_refused(tmp_path):
    write_mnist(tmp_path, MNIST_ARRAYS._replace(test_labels=np.full(20, 11, np.uint8)))
    with pytest.raises(DatasetError, match=r"t10k-labels-idx1-ubyte holds the value 11, expected 0\.\.9"):
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
        (mnist, "MNIST", [*MNIST_NAMES, "mnist or MNIST/raw"]),
        (
            cifar10,
            "CIFAR-10",
            ["data_batch_1.bin", "data_batch_5.bin", "test_batch.bin", "cifar-10-batches-bin"],
        ),
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


def test_data_dir_goes_before_the_environment(tmp_path, monkeypatch):
    write_mnist(tmp_path / "good")
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "absent"))
    assert len(load_official(SMALL_MNIST, str(tmp_path / "good")).test) == 20
    with pytest.raises(DatasetError, match=r"ZOO_DATA is .*absent.*expected an existing folder"):
        load_official(SMALL_MNIST)
    with pytest.raises(DatasetError, match=r"data_dir is .*expected an existing folder"):
        load_official(SMALL_MNIST, "")


# CIFAR-10 batches


def make_batch(images, labels):
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([labels[:, np.newaxis], planes], axis=1).astype(np.uint8).tobytes()


def test_cifar10_batches_round_trip(tmp_path):
    arrays = make_arrays((32, 32, 3), 10, 10)
    (tmp_path / "a.bin").write_bytes(make_batch(arrays.train_images, arrays.train_labels))
    (tmp_path / "b.bin").write_bytes(make_batch(arrays.test_images, arrays.test_labels))
    images, labels = cifar10.read_batches([tmp_path / "a.bin", tmp_path / "b.bin"], records=10)
    np.testing.assert_array_equal(images, np.concatenate([arrays.train_images, arrays.test_images]))
    np.testing.assert_array_equal(labels, np.concatenate([arrays.train_labels, arrays.test_labels]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: 0 bytes, expected 6146"),
        (bytes(6145), "is truncated: 6145 bytes, expected 6146"),
        (bytes(6147), "is too long: 6147 bytes, expected 6146"),
        (bytes(3073) + b"\x0a" + bytes(3072), r"holds the label 10, expected 0\.\.9"),
    ],
)
def test_cifar10_defects_name_the_file_and_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "test_batch.bin"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        cifar10.read_batches([path], records=2)
    assert str(path) in str(caught.value)


def test_cifar10_unreadable(tmp_path):
    with pytest.raises(DatasetError, match="is unreadable"):
        cifar10.read_batches([tmp_path / "absent.bin"])


def test_cifar10_batches_have_the_official_length(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]:
        (folder / name).write_bytes(bytes(3073))
    with pytest.raises(DatasetError, match=r"data_batch_1\.bin is truncated: 3073 bytes, expected 30730000"):
        cifar10.load(tmp_path)


# The download


@pytest.mark.parametrize(("module", "name"), [(mnist, "mnist"), (cifar10, "cifar10")])
def test_without_a_network_the_error_names_the_ways_out(tmp_path, monkeypatch, capsys, module, name):
    keras = pytest.importorskip("keras")

    def fail():
        print("Downloading data from somewhere")
        raise OSError("no route to host")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", fail)
    with pytest.raises(DatasetError, match=r"download of .* failed \(OSError: no route to host\)") as caught:
        module.load()
    for word in ["data_dir=", "ZOO_DATA", module.SOURCE.formats[0].files[0][0], f"{name}_sample"]:
        assert word in str(caught.value)
    assert capsys.readouterr().out == ""


def test_mnist_from_keras(monkeypatch):
    keras = pytest.importorskip("keras")
    images, labels, test_images, test_labels = MNIST_ARRAYS
    given = (images[..., 0], labels), (test_images[..., 0], test_labels)
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: given)
    assert load_official(SMALL_MNIST).train.images.shape == (20, 28, 28, 1)
    with pytest.raises(DatasetError, match="the data in Keras' cache are not MNIST"):
        mnist.load()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_cifar10_from_keras(monkeypatch, data_format):
    keras = pytest.importorskip("keras")
    arrays = make_arrays((32, 32, 3), 30, 20)
    order = (0, 3, 1, 2) if data_format == "channels_first" else (0, 1, 2, 3)
    given = (
        (arrays.train_images.transpose(order), arrays.train_labels[:, np.newaxis]),
        (arrays.test_images.transpose(order), arrays.test_labels[:, np.newaxis]),
    )
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: given)
    monkeypatch.setattr(keras.config, "image_data_format", lambda: data_format)
    dataset = load_official(replace(cifar10.SOURCE, validation=5, sha256=hash_arrays(*arrays)))
    np.testing.assert_array_equal(dataset.train.images, arrays.train_images[:25])


# The embedded samples


SAMPLES = [(samples.load_mnist, samples.MNIST), (samples.load_cifar10, samples.CIFAR10)]


@pytest.mark.parametrize(("load", "sample"), SAMPLES, ids=["mnist", "cifar10"])
def test_samples(load, sample):
    dataset = load()
    validation = sample.train // 10
    assert dataset.name == sample.name
    assert dataset.image_shape == sample.image_shape
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [
        sample.train - validation,
        validation,
        sample.test,
    ]
    labels = np.concatenate([dataset.train.labels, dataset.validation.labels])
    assert np.bincount(labels).tolist() == [sample.train // 10] * 10
    assert np.bincount(dataset.test.labels).tolist() == [sample.test // 10] * 10
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert split.images.shape[1:] == sample.image_shape
        assert split.images.flags.c_contiguous
        assert not split.images.flags.writeable
        assert split.images.max() > 1


def test_sample_splits_are_disjoint():
    for load in (samples.load_mnist, samples.load_cifar10):
        dataset = load()
        images = [split.images for split in (dataset.train, dataset.validation, dataset.test)]
        distinct = {image.tobytes() for part in images for image in part}
        assert len(distinct) == sum(map(len, images))


@pytest.mark.parametrize(
    ("load", "sha256"),
    [
        (samples.load_mnist, "c838d5f09b97da20d860b7bba9e115c415bea2d525217bea2a1383a508e22078"),
        (samples.load_cifar10, "c37afbdff16b6bf44d6bcb7c66d93777c41cdda2a9ed5f4d798efbfef2f93c87"),
    ],
)
def test_sample_hashes_are_fixed(load, sha256):
    assert load().test.sha256 == sha256


def test_samples_are_small():
    folder = Path(samples.__file__).parent
    assert sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) < 6_000_000


def test_a_damaged_sample_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(samples.resources, "files", lambda package: tmp_path)
    with pytest.raises(DatasetError, match="mnist_sample: cannot read the embedded"):
        samples.load_mnist()
    (tmp_path / "mnist.webp").write_bytes(b"RIFF")
    with pytest.raises(DatasetError, match="mnist_sample: cannot read the embedded"):
        samples.load_mnist()


@pytest.mark.parametrize("shape", [(28, 28, 1), (9, 7, 3)])
def test_making_a_sample(tmp_path, monkeypatch, shape):
    monkeypatch.setattr(samples.resources, "files", lambda package: tmp_path)
    source = replace(mnist.SOURCE, image_shape=shape, validation=10)
    official = split_official(source, make_arrays(shape, 60, 30))
    sample = replace(samples.MNIST, image_shape=shape, columns=10, train=20, test=10)
    digest = write_sample(sample, official.train, official.test, tmp_path)
    made = samples.load_sample(replace(sample, sha256=digest))
    np.testing.assert_array_equal(made.train.images, official.train.images[:18])
    np.testing.assert_array_equal(made.test.images, official.test.images[:10])
    with pytest.raises(DatasetError, match=r"the SHA-256 of the embedded .* expected"):
        samples.load_sample(sample)


def test_first_of_each_class_in_the_official_order():
    labels = np.array([2, 0, 0, 1, 2, 0, 1, 2, 1])
    split = Split(np.arange(9, dtype=np.uint8).reshape(9, 1, 1, 1), labels, "toy", "train")
    images, chosen = pick_first(split, 2, 3)
    assert images.ravel().tolist() == [0, 1, 2, 3, 4, 6]
    assert chosen.tolist() == [2, 0, 0, 1, 2, 1]
    with pytest.raises(ValueError, match="fewer than 4 images of a class"):
        pick_first(split, 4, 3)


# The plugin, and loading by name


def test_listing_imports_neither_keras_nor_numpy():
    code = (
        "import sys, zoo.data; names = [spec.name for spec in zoo.data.zoo_datasets()]; "
        "print(*names, *sorted({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mnist", "cifar10", "mnist_sample", "cifar10_sample"]


def test_specs_agree_with_the_loaders():
    import zoo.data

    specs = {spec.name: spec for spec in zoo.data.zoo_datasets()}
    for source in (mnist.SOURCE, cifar10.SOURCE, samples.MNIST, samples.CIFAR10):
        assert specs[source.name].image_shape == source.image_shape
        assert specs[source.name].classes == source.classes
    assert zoo.data.Dataset is Dataset
    with pytest.raises(AttributeError, match="Nothing"):
        _ = zoo.data.Nothing


def test_load_dataset_by_name():
    from zoo.data.load import load_dataset
    from zoo.errors import UnknownNameError

    dataset = load_dataset("mnist_sample", limit=100)
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [100, 100, 100]
    with pytest.raises(UnknownNameError):
        load_dataset("mnist_simple")
    with pytest.raises(ValueError, match="expected a positive int"):
        load_dataset("mnist_sample", limit=0)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda data_dir: None, "dataset toy: its load gave a NoneType, expected a zoo.data.Dataset"),
        (lambda data_dir: make_dataset(), r"its images have shape \(4, 5, 3\), expected \(8, 8, 1\)"),
        (lambda data_dir: 1 / 0, "its load raised ZeroDivisionError: division by zero"),
    ],
)
def test_load_dataset_checks_what_a_plugin_gives(monkeypatch, load, message):
    from zoo import registry
    from zoo.data.load import load_dataset
    from zoo.specs import DatasetSpec

    spec = DatasetSpec(name="toy", summary="", image_shape=(8, 8, 1), classes=(), load=load)
    monkeypatch.setattr(registry, "dataset", lambda name: spec)
    with pytest.raises(DatasetError, match=message):
        load_dataset("toy")


def test_load_dataset_passes_the_folder_on(monkeypatch, tmp_path):
    from zoo import registry
    from zoo.data.load import load_dataset
    from zoo.specs import DatasetSpec

    given = []
    spec = DatasetSpec(
        name="toy",
        summary="",
        image_shape=(4, 5, 3),
        classes=(),
        load=lambda data_dir: given.append(data_dir) or make_dataset(),
    )
    monkeypatch.setattr(registry, "dataset", lambda name: spec)
    assert len(load_dataset("toy", data_dir=tmp_path, limit=2).train) == 2
    assert given == [tmp_path]


# The official files


@full_data
@pytest.mark.parametrize(
    ("load", "counts", "load_sample", "sample"),
    [
        (mnist.load, [50_000, 10_000, 10_000], *SAMPLES[0]),
        (cifar10.load, [45_000, 5_000, 10_000], *SAMPLES[1]),
    ],
    ids=["mnist", "cifar10"],
)
def test_official_files(load, counts, load_sample, sample):
    official, embedded = load(), load_sample()
    assert [len(official.train), len(official.validation), len(official.test)] == counts
    train_images, train_labels = pick_first(official.train, sample.train // 10, 10)
    np.testing.assert_array_equal(np.concatenate([embedded.train.images, embedded.validation.images]), train_images)
    np.testing.assert_array_equal(np.concatenate([embedded.train.labels, embedded.validation.labels]), train_labels)
    test_images, test_labels = pick_first(official.test, sample.test // 10, 10)
    np.testing.assert_array_equal(embedded.test.images, test_images)
    np.testing.assert_array_equal(embedded.test.labels, test_labels)
