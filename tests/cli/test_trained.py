"""What a file says of its origin is shown, and followed no further than to a dataset that is known here."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from support.keras_files import edit_config

import zoo


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    file = tmp_path_factory.mktemp("saved") / "model.keras"
    zoo.create_model("small_cnn", image_shape=(28, 28, 1), latent_dim=2, filters=[4], seed=0).save(file)
    return file


def saying(saved, folder, provenance):
    return edit_config(saved, folder / "file.keras", lambda config: config["config"].update(provenance=provenance))


@pytest.mark.parametrize("name", ["evaluate", "reconstruct"])
def test_a_folder_that_a_file_names_is_not_read(command, saved, tmp_path, name):
    for number in range(12):
        noise = np.random.default_rng(number).integers(0, 256, (28, 28)).astype("uint8")
        (tmp_path / "private").mkdir(exist_ok=True)
        Image.fromarray(noise).save(tmp_path / "private" / f"{number}.png")
    folder = f"folder:{tmp_path / 'private'}"
    file = saying(saved, tmp_path, {"trained_on": folder})
    out = ["--out", tmp_path / "picture.png"] if name == "reconstruct" else ["--json"]
    result = command(name, file, *out)
    assert result.exit_code == 2
    assert f"was trained on {folder!r}, which is not read because a file says so: pass --data DATASET" in result.stderr
    assert command(name, file, "--data", folder, *out).exit_code == 0


@pytest.mark.parametrize(
    "given",
    ["text", ["a"], 3, {"trained_on": 5}, {"trained_on": ["x"]}, {"trained_on": {"a": 1}}, {"preset": [1]}],
    ids=str,
)
def test_an_origin_of_another_type(command, saved, tmp_path, given):
    file = saying(saved, tmp_path, given)
    result = command("evaluate", file)
    assert result.exit_code == 2
    assert "does not say what it was trained on: pass --data DATASET" in result.stderr
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("config.json"))["config"]["provenance"] == given


def test_a_known_dataset_is_followed(command, saved, tmp_path):
    file = saying(saved, tmp_path, {"trained_on": "mnist_sample"})
    scores = json.loads(command("evaluate", file, "--limit", 20, "--json").stdout)
    assert scores["data"]["dataset"] == "mnist_sample"
