"""A dataset that a plugin gives, from a user's registry file to a finished run: Fashion-MNIST."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.data_files import make_idx
from support.paths import SAMPLE_PLUGINS

import zoo

PLUGIN = SAMPLE_PLUGINS / "fashion_mnist.py"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


@pytest.fixture
def fashion(clean_registry, monkeypatch, tmp_path):
    shutil.copy(PLUGIN, tmp_path)
    text = "version: 1\nplugins: [./fashion_mnist.py]\ndatasets: {fashion_mnist: {recipe: {epochs: 1}}}\n"
    (tmp_path / "mine.yaml").write_text(text)
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "mine.yaml"))
    zoo.refresh()


@pytest.fixture
def made(tmp_path):
    """Make a small set of the same files: clothes that are stripes."""
    folder = tmp_path / "made"
    folder.mkdir()
    for part, count in (("train", 48), ("t10k", 12)):
        labels = (np.arange(count) % 10).astype("uint8")
        stripes = 255 * (np.arange(28) % (2 + labels[:, None]) == 0)
        images = np.repeat(stripes[:, None], 28, axis=1).astype("uint8")
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(make_idx(images)))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(make_idx(labels)))
    return folder


def test_it_is_a_dataset_like_any_other(fashion, made, tmp_path):
    assert "fashion_mnist" in zoo.list_datasets()
    info = zoo.get_model_info("residual/fashion_mnist")
    assert (info.image_shape, info.recipe["epochs"]) == ((28, 28, 1), 1)
    run = zoo.train("small_cnn/fashion_mnist", data_dir=made, out=tmp_path / "runs", filters=[4], progress=False)
    assert run.status == "finished"
    assert run.scores["data"] == {
        **run.scores["data"], "dataset": "fashion_mnist", "part": "test", "images": 12,
        "sha256": zoo.load_dataset("fashion_mnist", data_dir=made).test.sha256,
    }  # fmt: skip


def test_a_damaged_file_is_named(fashion, made):
    file = made / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(zoo.errors.DatasetError, match=r"t10k-labels-idx1-ubyte\.gz is damaged, or not gzip"):
        zoo.load_dataset("fashion_mnist", data_dir=made)


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_the_real_files(fashion):
    dataset = zoo.load_dataset("fashion_mnist")
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [50_000, 10_000, 10_000]
    assert np.bincount(dataset.test.labels).tolist() == [1000] * 10
    assert dataset.classes[int(dataset.train.labels[0])] == "ankle boot"


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_the_real_files_are_not_mnist(clean_registry):
    with pytest.raises(zoo.errors.DatasetError, match="is not MNIST: the SHA-256 of the decoded arrays is"):
        zoo.load_dataset("mnist", data_dir=DEBIAN)
