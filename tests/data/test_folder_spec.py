"""``folder:PATH`` wherever a dataset's name is expected."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo.cli import main
from zoo.errors import DatasetError


@pytest.fixture
def photos(tmp_path):
    """Write images: ``photos(count, size=(width, height), mode=...)`` gives the folder."""

    def write(count=20, size=(12, 10), mode="RGB", name="my photos"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        random = np.random.default_rng(count)
        for number in range(count):
            pixels = random.integers(0, 256, (size[1], size[0], 3), "uint8")
            Image.fromarray(pixels).convert(mode).save(folder / f"{size[0]}-{number}.png")
        return folder

    return write


def test_one_size_is_the_shape(photos):
    folder = photos()
    dataset = zoo.load_dataset(f"folder:{folder}")
    assert dataset.image_shape == (10, 12, 3)
    again = zoo.load_images(folder, (10, 12, 3))
    np.testing.assert_array_equal(dataset.train.images, again.train.images)


def test_grey_images_have_one_channel(photos):
    assert zoo.load_dataset(f"folder:{photos(mode='L')}").image_shape == (10, 12, 1)


def test_a_shape_that_is_given(photos, monkeypatch):
    folder = photos()
    monkeypatch.chdir(folder.parent)
    info = zoo.get_model_info("residual/folder:my photos@8x8x1")
    assert info.image_shape == (8, 8, 1)
    assert info.dataset == f"folder:{folder}@8x8x1"
    assert zoo.load_dataset(info.dataset).train.images.shape[1:] == (8, 8, 1)
    model = zoo.create_model("small_cnn/folder:my photos@8x8x1", filters=[4])
    assert model.image_shape == (8, 8, 1)
    with pytest.raises(ValueError, match="image_shape"):
        zoo.create_model("small_cnn/folder:my photos@8x8x1", image_shape=(4, 4, 1))


def test_a_folder_whose_name_looks_like_a_shape(photos):
    folder = photos(name="odd@4x4x1")
    assert zoo.load_dataset(f"folder:{folder}").image_shape == (10, 12, 3)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([(12, 10), (9, 9)], r"its images have 2 sizes \(.*\): add the size to resize to, such as folder:.*@64x64x3"),
        ([(300, 10)], "its images are 10x300, expected at most 256x256: add the size to resize to"),
        ([], "has no image that can be read"),
    ],
)
def test_images_that_do_not_say_one_size(photos, sizes, words):
    folder = photos(0)
    for size in sizes:
        photos(3, size)
    with pytest.raises(DatasetError, match=words):
        zoo.load_dataset(f"folder:{folder}")


@pytest.mark.parametrize("name", ["folder:", "folder:/nowhere/at/all", "folder:absent@8x8x1"])
def test_a_folder_that_is_not_there(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=r"is not a folder, expected one|has no image"):
        zoo.load_dataset(name)


def test_an_unknown_architecture_of_a_folder(photos):
    with pytest.raises(zoo.errors.UnknownNameError, match="did you mean 'residual'"):
        zoo.get_model_info(f"residul/folder:{photos()}")


@pytest.mark.parametrize("count", [3, 40])
def test_a_run_of_a_folder(photos, monkeypatch, tmp_path, count):
    monkeypatch.chdir(tmp_path)
    photos(count)
    run = zoo.train("small_cnn/folder:my photos@8x8x3", epochs=1, filters=[4], progress=False)
    assert run.status == "finished"
    assert run.path.parent.as_posix() == "runs/small_cnn/folder-my_photos_8x8x3"
    assert run.config["dataset"] == f"folder:{tmp_path / 'my photos'}@8x8x3"
    assert run.scores["data"]["images"] == len(zoo.load_dataset("folder:my photos@8x8x3").test)
    alone = CliRunner().invoke(main, ["evaluate", str(run.path), "--json"])
    assert alone.exit_code == 2
    assert f"was trained on 'folder:{tmp_path / 'my photos'}" in alone.stderr
    assert "pass --data DATASET" in alone.stderr
    given = ["--data", f"folder:{tmp_path / 'my photos'}"]
    done = CliRunner().invoke(main, ["evaluate", str(run.path), "--json", *given])
    assert json.loads(done.stdout)["negative_elbo"] == run.scores["negative_elbo"]


def test_a_folder_has_no_sample(photos):
    with pytest.raises(zoo.errors.UnknownNameError, match="has no embedded sample: train on all of it"):
        zoo.train(f"small_cnn/folder:{photos()}", sample=True)


@pytest.mark.slow
def test_a_benchmark_takes_folders(photos, tmp_path):
    leaderboard = zoo.benchmark(
        f"small_cnn/folder:{photos()}", epochs=1, full=True, out=tmp_path / "runs", progress=False
    )
    assert not leaderboard.failed
    assert "folder:" in leaderboard.to_markdown()
