import subprocess
import sys

import pytest
from support.data_files import make_dataset

import zoo.data
from zoo.data import cifar10, mnist, samples
from zoo.data.dataset import Dataset
from zoo.data.load import load_dataset
from zoo.errors import DatasetError, UnknownNameError
from zoo.registry import catalogue
from zoo.registry.specs import DatasetSpec


def test_listing_imports_neither_keras_nor_numpy():
    code = (
        "import sys, zoo.data; names = [spec.name for spec in zoo.data.zoo_datasets()]; "
        "print(*names, *sorted({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mnist", "cifar10", "mnist_sample", "cifar10_sample"]


def test_specs_agree_with_the_loaders():
    specs = {spec.name: spec for spec in zoo.data.zoo_datasets()}
    for source in (mnist.SOURCE, cifar10.SOURCE, samples.MNIST, samples.CIFAR10):
        assert specs[source.name].image_shape == source.image_shape
        assert specs[source.name].classes == source.classes
    assert zoo.data.Dataset is Dataset
    with pytest.raises(AttributeError, match="Nothing"):
        _ = zoo.data.Nothing


def test_load_dataset_by_name():
    dataset = load_dataset("mnist_sample", limit=100)
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [100, 100, 100]
    with pytest.raises(UnknownNameError):
        load_dataset("mnist_simple")
    with pytest.raises(ValueError, match="expected a positive int"):
        load_dataset("mnist_sample", limit=0)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda data_dir: None, "dataset toy: its load returned a NoneType, expected a zoo.data.Dataset"),
        (lambda data_dir: make_dataset(), r"its images have shape \(4, 5, 3\), expected \(8, 8, 1\)"),
        (lambda data_dir: 1 / 0, "its load raised ZeroDivisionError: division by zero"),
    ],
)
def test_load_dataset_checks_what_a_plugin_gives(monkeypatch, load, message):
    spec = DatasetSpec(name="toy", summary="", image_shape=(8, 8, 1), classes=(), load=load)
    monkeypatch.setattr(catalogue, "dataset", lambda name: spec)
    with pytest.raises(DatasetError, match=message):
        load_dataset("toy")


def test_load_dataset_passes_the_folder_on(monkeypatch, tmp_path):
    given = []
    spec = DatasetSpec(
        name="toy",
        summary="",
        image_shape=(4, 5, 3),
        classes=(),
        load=lambda data_dir: given.append(data_dir) or make_dataset(),
    )
    monkeypatch.setattr(catalogue, "dataset", lambda name: spec)
    assert len(load_dataset("toy", data_dir=tmp_path, limit=2).train) == 2
    assert given == [tmp_path]
