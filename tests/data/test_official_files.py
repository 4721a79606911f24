"""The official files, in every form: the same arrays, in little memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.data_files import PYTHON_NAMES, full_data, make_planes, make_python2_batch, make_python3_batch, write_npz

from zoo.data import cifar10, mnist, samples
from zoo.data.official_files import OfficialArrays
from zoo.data.samples.make import pick_first

pytestmark = full_data
MEGABYTES = 600


def join(dataset):
    return OfficialArrays(
        np.concatenate([dataset.train.images, dataset.validation.images]),
        np.concatenate([dataset.train.labels, dataset.validation.labels]),
        dataset.test.images,
        dataset.test.labels,
    )


@pytest.fixture(scope="module")
def python_folder(tmp_path_factory):
    """The six python batches, one of them as Python 3 writes it."""
    folder = tmp_path_factory.mktemp("cifar10")
    arrays = join(cifar10.load())
    for i, name in enumerate(PYTHON_NAMES):
        images, labels = (arrays.test_images, arrays.test_labels) if i == 5 else arrays[:2]
        part = slice(None) if i == 5 else slice(i * 10_000, (i + 1) * 10_000)
        make = make_python3_batch if i == 1 else make_python2_batch
        (folder / name).write_bytes(make(make_planes(images[part]), labels[part]))
    yield folder
    for name in PYTHON_NAMES:
        (folder / name).unlink()


@pytest.mark.parametrize(
    ("load", "counts", "load_sample", "sample"),
    [
        (mnist.load, [50_000, 10_000, 10_000], samples.load_mnist, samples.MNIST),
        (cifar10.load, [45_000, 5_000, 10_000], samples.load_cifar10, samples.CIFAR10),
    ],
    ids=["mnist", "cifar10"],
)
def test_official_files(load, counts, load_sample, sample):
    official, embedded = load(), load_sample()
    assert [len(official.train), len(official.validation), len(official.test)] == counts
    train_images, train_labels = pick_first(official.train, sample.train // 10, 10)
    for label in range(10):  # Validation is the last tenth of each class.
        parts = [part.images[part.labels == label] for part in (embedded.train, embedded.validation)]
        np.testing.assert_array_equal(np.concatenate(parts), train_images[train_labels == label])
        assert len(parts[1]) == sample.train // 100
    test_images, test_labels = pick_first(official.test, sample.test // 10, 10)
    np.testing.assert_array_equal(embedded.test.images, test_images)
    np.testing.assert_array_equal(embedded.test.labels, test_labels)


def test_mnist_npz(tmp_path):
    # The loader compares with the one SHA-256.
    write_npz(tmp_path, join(mnist.load()), np.savez)
    assert len(mnist.load(tmp_path).train) == 50_000


def test_cifar10_python_batches(python_folder):
    assert len(cifar10.load(python_folder).train) == 45_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc, as Linux has it")
@pytest.mark.parametrize("form", ["binary", "python"])
def test_memory(form, request):
    folder = os.environ["ZOO_DATA"] if form == "binary" else request.getfixturevalue("python_folder")
    # Not getrusage: a process begins there with the peak of the one that started it.
    code = (
        "import re, pathlib, zoo; dataset = zoo.load_dataset('cifar10'); "
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ZOO_DATA": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    peak = int(done.stdout) / 1024
    print(f"CIFAR-10 from {form} batches: {peak:.0f} MB at most")
    assert peak < MEGABYTES
