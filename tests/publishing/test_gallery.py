"""The gallery: a row for each trained model."""

import re

import pytest
from support.weights_folders import write_folder, write_sums

from zoo.errors import ModelLoadError
from zoo.publishing.gallery import find_folders, make_gallery


def test_a_row_for_each(tmp_path):
    for name, tag in (("mnist_sample", "default"), ("mnist_sample@long", "long")):
        folder = write_folder(tmp_path / "plugins" / "small_cnn" / "weights" / name, tag=tag)
        for picture in ("reconstructions.png", "samples.png"):
            (folder / picture).write_bytes(b"png")
        write_sums(folder)
    (tmp_path / "plugins" / "else").mkdir()
    (tmp_path / "plugins" / "else" / "model.safetensors").write_bytes(b"another's")
    home = tmp_path / "docs"
    home.mkdir()
    text = make_gallery(find_folders(tmp_path / "plugins"), home)
    rows = text.splitlines()[2:]
    assert [row.split("|")[1].partition("]")[0] for row in rows] == [
        " [small_cnn/mnist_sample", " [small_cnn/mnist_sample@long",
    ]  # fmt: skip
    assert "| -ELBO 700.50 nats/image | 17.00 |" in rows[0]
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) == 6
    assert all((home / link).resolve().is_file() for link in links)


def test_none(tmp_path):
    assert make_gallery(find_folders(tmp_path), tmp_path) == "There are none yet.\n"


def test_a_damaged_one_is_not_shown_in_silence(tmp_path):
    folder = write_folder(tmp_path / "w")
    (folder / "scores.json").write_text("{}")
    with pytest.raises(ModelLoadError, match=r"scores\.json is not the file that was published"):
        make_gallery(find_folders(tmp_path), tmp_path)
