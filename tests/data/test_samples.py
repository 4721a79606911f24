from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.data_files import make_arrays

from zoo.data import mnist, samples
from zoo.data.dataset import Split
from zoo.data.samples.make import pick_first, write_sample
from zoo.data.sources import split_official
from zoo.errors import DatasetError

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
    for split in (dataset.train, dataset.validation, dataset.test):
        assert np.bincount(split.labels).tolist() == [len(split) // 10] * 10
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
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    with pytest.raises(DatasetError, match="mnist_sample: cannot read the embedded"):
        samples.load_mnist()
    (tmp_path / "mnist.webp").write_bytes(b"RIFF")
    with pytest.raises(DatasetError, match="mnist_sample: cannot read the embedded"):
        samples.load_mnist()


@pytest.mark.parametrize("shape", [(28, 28, 1), (9, 7, 3)])
@pytest.mark.slow
def test_making_a_sample(tmp_path, monkeypatch, shape):
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    source = replace(mnist.SOURCE, image_shape=shape, validation=10)
    official = split_official(source, make_arrays(shape, 260, 30))
    sample = replace(samples.MNIST, image_shape=shape, columns=10, train=200, test=10)
    digest = write_sample(sample, official.train, official.test, tmp_path)
    made = samples.load_sample(replace(sample, sha256=digest))
    # The labels go round, so the last two of each class are the last twenty.
    np.testing.assert_array_equal(made.train.images, official.train.images[:180])
    np.testing.assert_array_equal(made.validation.images, official.train.images[180:200])
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
