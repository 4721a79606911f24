import csv
import hashlib
import json
import shutil
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

import zoo
from zoo.errors import RunError, UnknownNameError
from zoo.runs.history import History
from zoo.runs.record import BestEpoch

LOSSES = [float("nan"), 2.0, 2.5, 2.0]
SCHEMA = json.loads((files("zoo.runs") / "run.schema.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run for all tests that only look at it."""
    runs = []

    def train_once():
        if not runs:
            runs.append(zoo.train("tiny_cnn/tiny", out=tmp_path_factory.mktemp("finished"), seed=3, progress=False))
        return runs[0].path

    return train_once


@pytest.fixture
def run(tiny, finished, tmp_path):
    source = finished()
    path = tmp_path / "runs" / source.relative_to(source.parents[2])
    shutil.copytree(source, path)
    return zoo.Run(path)


def test_run_folder(run, tmp_path):
    assert run.path.parent == tmp_path / "runs" / "tiny_cnn" / "tiny"
    assert run.path.name.startswith("seed3-")
    assert {item.name for item in run.path.iterdir()} == {
        "run.json", "model.keras", "history.csv", "SHA256SUMS", "loss_curve.png", "reconstructions.png",
        "samples.png", "interpolation.png", "latent_space.png",
    }  # fmt: skip
    for line in (run.path / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((run.path / name).read_bytes()).hexdigest() == digest


def test_run_record_follows_its_schema(run):
    record = json.loads((run.path / "run.json").read_text())
    jsonschema.validate(record, SCHEMA)
    assert record["status"] == "finished"
    assert record["config"]["recipe"]["batch_size"] == 16
    assert record["config"]["options"] == {"filters": [4], "latent_dim": 3}
    assert record["provenance"]["plugin"] == {"name": "tiny_digits", "distribution": "tiny-digits", "version": "1.0"}
    assert record["provenance"]["dataset"]["test"]["sha256"] == zoo.load_dataset("tiny").test.sha256
    assert record["scores"]["data"]["part"] == "test"


def test_history_and_best_epoch(run):
    rows = list(csv.DictReader((run.path / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    losses = [float(row["val_loss"]) for row in rows]
    assert run.best["loss"] == min(losses)
    assert run.best["epoch"] == 1 + int(np.argmin(losses))


def test_stored_model_has_the_stored_scores(run):
    scores = zoo.evaluate(run.model, zoo.load_dataset("tiny").test)
    assert scores == run.scores


@pytest.mark.slow
def test_same_seed_gives_the_same_scores(run, few_pictures, tmp_path):
    again = zoo.train("tiny_cnn/tiny", out=tmp_path / "again", seed=3, progress=False)
    other = zoo.train("tiny_cnn/tiny", out=tmp_path / "again", seed=4, progress=False)
    assert again.scores["negative_elbo"] == run.scores["negative_elbo"]
    assert again.path.name == run.path.name
    assert other.scores["negative_elbo"] != run.scores["negative_elbo"]


def test_overrides_reach_recipe_and_options(tiny, few_pictures, tmp_path):
    run = zoo.train(
        "tiny_cnn/tiny",
        epochs=1,
        out=tmp_path,
        progress=False,
        learning_rate=0.01,
        latent_dim=2,
        likelihood="bernoulli",
    )
    assert run.config["recipe"]["learning_rate"] == 0.01
    assert run.model.latent_shape == (2,)
    assert run.scores["negative_elbo"] is None
    assert run.scores["cross_entropy"] > 0
    assert run.scores["likelihood"] == "bernoulli"


def test_existing_run_is_not_overwritten(run, few_pictures, tmp_path):
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(RunError, match=r"already holds a run \(finished\).*overwrite"):
        zoo.train("tiny_cnn/tiny", out=tmp_path / "runs", seed=3, progress=False)
    assert (run.path / "run.json").read_bytes() == before
    zoo.train("tiny_cnn/tiny", out=tmp_path / "runs", seed=3, progress=False, overwrite=True)
    assert (run.path / "run.json").read_bytes() != before


def test_builder_that_raises_is_a_failed_run(tiny, tmp_path):
    with pytest.raises(RunError, match="this decoder cannot be built"):
        zoo.train("raises/tiny", out=tmp_path, progress=False)
    (record_file,) = tmp_path.rglob("run.json")
    record = json.loads(record_file.read_text())
    jsonschema.validate(record, SCHEMA)
    assert record["status"] == "failed"
    assert "this decoder cannot be built" in record["error"]


def test_nan_stops_the_run_and_keeps_the_best(tiny, few_pictures, tmp_path):
    with pytest.raises(RunError, match=r"the loss became nan at step 9 \(epoch 2\).*model of epoch 1"):
        zoo.train("explodes/tiny", out=tmp_path, epochs=5, progress=False)
    (record_file,) = tmp_path.rglob("run.json")
    record = json.loads(record_file.read_text())
    assert record["status"] == "failed"
    assert record["best"]["epoch"] == 1
    assert np.isfinite(record["best"]["loss"])
    model = zoo.load_model(record_file.parent)
    assert all(np.isfinite(weight.numpy()).all() for weight in model.trainable_weights)


def test_nan_in_the_first_epoch_leaves_no_model(tiny, tmp_path):
    with pytest.raises(RunError, match=r"at step 9 .epoch 1.*no epoch was finished"):
        zoo.train("explodes/tiny", out=tmp_path, batch_size=4, progress=False)
    assert not list(tmp_path.rglob("model.keras"))


def test_interrupt_leaves_a_usable_folder(tiny, tmp_path, interrupted):
    with interrupted(after=2), pytest.raises(KeyboardInterrupt, match="keeps the model of epoch"):
        zoo.train("tiny_cnn/tiny", out=tmp_path, epochs=5, progress=False)
    (record_file,) = tmp_path.rglob("run.json")
    record = json.loads(record_file.read_text())
    jsonschema.validate(record, SCHEMA)
    assert record["status"] == "interrupted"
    assert zoo.load_model(record_file.parent).latent_shape == (3,)
    assert {"history.csv", "reconstructions.png", "loss_curve.png", "SHA256SUMS"} <= {
        item.name for item in record_file.parent.iterdir()
    }


def test_early_stopping(tiny, few_pictures, tmp_path):
    # With a learning rate of nearly nothing the loss only jitters.
    run = zoo.train("tiny_cnn/tiny", out=tmp_path, epochs=30, early_stopping=1, learning_rate=1e-12, progress=False)
    assert run.cost["epochs"] < 30
    assert run.best["epoch"] == run.cost["epochs"] - 1


@pytest.mark.slow
def test_numpy_scalars_are_plain_settings(tiny, few_pictures, tmp_path):
    settings = {"batch_size": np.int64(16), "learning_rate": np.float32(0.5), "latent_dim": np.int64(2)}
    run = zoo.train("tiny_cnn/tiny", epochs=1, seed=np.int64(1), out=tmp_path, progress=False, **settings)
    assert run.config["options"]["latent_dim"] == 2
    assert run.config["recipe"]["learning_rate"] == 0.5
    assert run.config["seed"] == 1


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5])
def test_wrong_seed_leaves_nothing(tiny, tmp_path, seed):
    with pytest.raises(ValueError, match="expected a whole number from 0"):
        zoo.train("tiny_cnn/tiny", seed=seed, out=tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_unknown_names_and_options(tiny, tmp_path):
    with pytest.raises(UnknownNameError, match=r"expected a preset such as 'tiny_cnn/mnist'"):
        zoo.train("tiny_cnn", out=tmp_path)
    with pytest.raises(UnknownNameError, match=r"'tiny' has no embedded sample"):
        zoo.train("tiny_cnn/tiny", sample=True, out=tmp_path)
    with pytest.raises(TypeError, match=r"unknown option 'latent_dimension'.*latent_dim"):
        zoo.train("tiny_cnn/tiny", out=tmp_path, latent_dimension=3)
    with pytest.raises(ValueError, match=r"latent_shape \(0,\): expected positive ints"):
        zoo.train("tiny_cnn/tiny", out=tmp_path, latent_dim=0)
    with pytest.raises(ValueError, match="epochs is 0"):
        zoo.train("tiny_cnn/tiny", out=tmp_path, epochs=0)
    assert not list(tmp_path.rglob("run.json"))


def test_sample_takes_the_embedded_images():
    from zoo.training.plan import plan_run

    assert plan_run("small_cnn/mnist", sample=True).name == "small_cnn/mnist_sample"
    assert plan_run("small_cnn/mnist-binary", sample=True).recipe.binarization == "dynamic"
    assert plan_run("small_cnn/cifar10_sample", sample=True).name == "small_cnn/cifar10_sample"


def test_the_best_epoch_needs_no_first_finite_one():
    rows = [{"epoch": epoch, "val_loss": loss, "val_negative_elbo": 3.0} for epoch, loss in enumerate(LOSSES, start=1)]
    assert History(rows[:1]).best is None
    assert History(rows).best == BestEpoch(epoch=2, loss=2.0, negative_elbo=3.0)


def test_early_stopping_counts_epochs_since_the_best():
    rows = [{"epoch": epoch, "val_loss": loss, "val_negative_elbo": 3.0} for epoch, loss in enumerate(LOSSES, start=1)]
    assert [History(rows[:n]).is_over(9, patience=2) for n in (1, 2, 3, 4)] == [False, False, False, True]
    assert [History(rows[:n]).is_over(3, patience=None) for n in (2, 3)] == [False, True]
