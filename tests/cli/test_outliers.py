import json

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli.scoring import ANOMALY_SCORES
from zoo.data.named_images import fit_images, read_fitted
from zoo.errors import DatasetError

PRESET = "small_cnn/mnist_sample"


def test_the_choices_are_those_there_are():
    from zoo.evaluation import outliers

    assert outliers.ANOMALY_SCORES == ANOMALY_SCORES


def test_against_another_dataset(command):
    arguments = ("evaluate", PRESET, "--limit", 40, "--against", "cifar10_sample")
    made = command(*arguments, "--json")
    assert made.exit_code == 0, made.stderr
    shown = json.loads(made.stdout)["outliers"]
    assert (shown["against"], shown["images"]) == ("cifar10_sample", 40)
    assert set(shown["scores"]) == {"reconstruction_error", "negative_elbo", "typicality"}
    model = zoo.create_model(PRESET, weights="default")
    inside, outside = (
        zoo.load_dataset("mnist_sample").test.images[:40],
        zoo.load_dataset("cifar10_sample").test.images[:40],
    )
    both = [
        zoo.anomaly_scores(model, images)["reconstruction_error"]
        for images in (inside, fit_images(outside, (28, 28, 1)))
    ]
    found = zoo.auroc(*both)
    assert shown["scores"]["reconstruction_error"] == {"auroc": found.value, "low": found.low, "high": found.high}
    assert "cifar10_sample: 40 images changed from 32x32x3 to 28x28x1" in made.stderr
    table = command(*arguments, "--anomaly-score", "negative_elbo")
    assert "against cifar10_sample, 40 images" in table.stdout
    assert "negative ELBO" in table.stdout
    assert "typicality" not in table.stdout


def test_without_other_images(command):
    made = command("evaluate", PRESET, "--anomaly-score", "typicality")
    assert made.exit_code == 2
    assert "--anomaly-score needs --against" in made.stderr
    made = command("evaluate", PRESET, "--against", "nothing")
    assert made.exit_code == 2
    assert "nothing: no folder, .npy or .npz file, nor a dataset" in made.stderr


def test_folders_and_arrays_are_made_to_fit(tmp_path):
    colour = np.random.default_rng(0).integers(0, 256, (3, 10, 6, 3), np.uint8)
    for number, image in enumerate(colour):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    np.save(tmp_path / "images.npy", colour)
    folder = read_fitted(str(tmp_path), (8, 8, 1), None)
    np.testing.assert_array_equal(read_fitted(str(tmp_path / "images.npy"), (8, 8, 1), None), folder)
    assert folder.shape == (3, 8, 8, 1)
    np.testing.assert_array_equal(read_fitted(str(tmp_path / "images.npy"), (10, 6, 3), None, limit=2), colour[:2])
    grey = fit_images(colour[..., :1], (10, 6, 3))
    np.testing.assert_array_equal(grey, np.repeat(colour[..., :1], 3, axis=-1))
    with pytest.raises(DatasetError, match="cannot be made to fit"):
        fit_images(colour[..., :2], (8, 8, 1))
    with pytest.raises(DatasetError, match="cannot be made to fit"):
        fit_images(colour / 255, (8, 8, 1))
