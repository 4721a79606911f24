import json

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.compression import decompress

pytest.importorskip("constriction")
PRESET = "small_cnn/mnist_sample"


@pytest.fixture(scope="module")
def images():
    return zoo.load_dataset("mnist_sample").test.images[:6]


@pytest.fixture
def folder(images, tmp_path):
    for number, image in enumerate(images):
        path = tmp_path / "photos" / ("more" if number == 4 else ".") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    return tmp_path / "photos"


def test_a_dataset_to_a_file_and_back_to_pictures(command, images, tmp_path):
    out = tmp_path / "digits.zoo"
    made = command("compress", "mnist_sample:test", "--model", PRESET, "--limit", 6, "--out", out, "--json")
    assert made.exit_code == 0, made.stderr
    shown = json.loads(made.stdout)
    assert shown["bytes"] == out.stat().st_size
    assert shown["images"] == 6
    assert shown["bits_per_dim"] == pytest.approx(shown["computed_bits_per_dim"], rel=0.02)
    # The file names the model.
    restored = command("decompress", out, "--out", tmp_path / "pictures")
    assert restored.exit_code == 0, restored.stderr
    assert restored.stdout.strip() == str(tmp_path / "pictures")
    found = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "pictures").iterdir())]
    np.testing.assert_array_equal(np.stack(found)[..., None], images)
    array = command("decompress", out, "--out", tmp_path / "array.npy", "--model", PRESET)
    assert array.exit_code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "array.npy"), images)
    again = command("decompress", out, "--out", tmp_path / "array.npy")
    assert again.exit_code == 2
    assert "exists: choose another name" in again.stderr


def test_folders_and_arrays(command, images, folder, tmp_path):
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "b.npz", images=images, labels=np.arange(6))
    model = zoo.create_model(PRESET, weights="default")
    # By name: the one in a folder within comes last.
    orders = {"photos": [0, 1, 2, 3, 5, 4], "a.npy": range(6), "b.npz": range(6)}
    for name, order in orders.items():
        made = command("compress", tmp_path / name, "--model", PRESET, "--out", tmp_path / f"{name}.zoo")
        assert made.exit_code == 0, made.stderr
        assert "6 images in " in made.stderr
        np.testing.assert_array_equal(decompress(tmp_path / f"{name}.zoo", model), images[list(order)])


@pytest.mark.parametrize(("mode", "size"), [("L", (27, 28)), ("RGB", (28, 28)), ("I;16", (28, 28))])
def test_pictures_that_would_be_changed_are_refused(command, folder, mode, size, tmp_path):
    Image.new(mode, size).save(folder / "zzz.png")
    made = command("compress", folder, "--model", PRESET, "--out", tmp_path / "file")
    assert made.exit_code == 1
    assert "zzz.png is " in made.stderr
    assert "expected L of 28x28, since nothing is converted" in made.stderr
    assert not (tmp_path / "file").exists()


def test_what_cannot_be_read(command, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00")
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "two.npz", a=np.zeros(2), b=np.zeros(2))
    said = {
        "empty": (1, "has no image files"),
        "bad.npy": (1, "cannot be read as an array"),
        "objects.npy": (1, "cannot be read as an array"),
        "two.npz": (1, "has 2 arrays: expected one, or one called images"),
        "nothing": (2, "no folder, .npy or .npz file, nor a dataset such as mnist:test"),
    }
    for name, (status, text) in said.items():
        made = command("compress", tmp_path / name, "--model", PRESET, "--out", tmp_path / "file")
        assert made.exit_code == status
        assert text in made.stderr


def test_a_file_of_a_model_without_a_name(command, images, tmp_path):
    model = zoo.create_model("small_cnn", image_shape=(28, 28, 1), filters=[4], likelihood="discretized_logistic")
    zoo.compress(model, images, tmp_path / "file")
    made = command("decompress", tmp_path / "file", "--out", tmp_path / "out.npy")
    assert made.exit_code == 1
    assert "which is no preset here: pass --model RUN" in made.stderr
    model.save(tmp_path / "model.keras")
    made = command("decompress", tmp_path / "file", "--out", tmp_path / "out.npy", "--model", tmp_path / "model.keras")
    assert made.exit_code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), images)


def test_a_damaged_file_writes_nothing(command, images, tmp_path):
    (tmp_path / "file").write_bytes(b"\x89ZOOc\r\n\x1a" + bytes(100))
    made = command("decompress", tmp_path / "file", "--out", tmp_path / "out", "--model", PRESET)
    assert made.exit_code == 1
    assert "is damaged: its checksum does not match" in made.stderr
    assert not (tmp_path / "out").exists()
