"""Runs of conditional models, from training to published weights."""

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from PIL import Image
from support.published import PRESET, tiny_plugin, train_tiny

import zoo
from zoo.data.given import as_dataset
from zoo.factory.conditional import count_classes
from zoo.publishing import publish
from zoo.runs.history import History
from zoo.training import resume
from zoo.training.plan import plan_run

SCHEMA = json.loads((files("zoo.runs") / "run.schema.json").read_text())
OPTIONS = {"epochs": 2, "conditional": True, "learning_rate": 0.01}


@pytest.fixture(scope="module", autouse=True)
def plugin():
    with tiny_plugin():
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_tiny(tmp_path_factory.mktemp("runs"), **OPTIONS)


@pytest.fixture(scope="module")
def test():
    return zoo.load_dataset("tiny").test


def test_a_run_says_that_it_is_conditional(run, test):
    record = json.loads((run.path / "run.json").read_text())
    jsonschema.validate(record, SCHEMA)
    assert record["config"]["recipe"]["conditional"] is True
    assert record["scores"]["conditional"] is True
    assert record["cost"]["flops"]["decoder"] > 0
    assert record["cost"]["decode_ms"]["1"] > 0
    model = zoo.load_model(run.path)
    assert (type(model), model.classes) == (zoo.ConditionalAutoEncoder, 10)
    assert zoo.evaluate(model, test)["negative_elbo"] == pytest.approx(record["scores"]["negative_elbo"])


def test_interrupted_and_resumed_as_if_nothing_was(run, interrupted, tmp_path):
    with interrupted(after=1), pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path, **OPTIONS)
    (path,) = (tmp_path / "tiny_cnn" / "tiny").iterdir()
    again = resume(path, progress=False)
    losses = [History.read(it.path).columns["val_loss"] for it in (again, run)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert again.scores["negative_elbo"] == pytest.approx(run.scores["negative_elbo"], rel=1e-6)


def test_labels_count(run, test):
    model = run.model
    wrong = zoo.evaluate(model, (test.images, (test.labels + 1) % 10))["negative_elbo"]
    assert run.scores["negative_elbo"] < wrong


def test_published_and_built_again_by_name(run, tmp_path, test):
    folder = publish(run, tmp_path / "weights")
    model = zoo.create_model(PRESET, weights=folder.path)
    assert model.classes == folder.config.classes == 10
    given = zoo.evaluate(model, test)
    assert given["negative_elbo"] == pytest.approx(run.scores["negative_elbo"], rel=1e-3)
    assert "conditional" in (folder.path / "README.md").read_text()
    with pytest.raises(ValueError, match=r"conditional is False: the trained weights of .* are for True"):
        zoo.create_model(PRESET, weights=folder.path, conditional=False)
    with pytest.raises(ValueError, match=r"classes is 12: the trained weights of .* are for 10"):
        zoo.create_model(PRESET, weights=folder.path, classes=12)


def test_splits_bring_their_classes(test):
    plan = plan_run("tiny_cnn", data=as_dataset((test, test.limit(30))), conditional=True)
    assert count_classes(plan) == 10


def test_what_takes_no_labels_says_so(run, test, tmp_path):
    message = "has no labels to pass to a conditional model"
    with pytest.raises(ValueError, match=f"a sampler {message}"):
        zoo.samplers.fit(run.model, test, "two_stage")
    pytest.importorskip("constriction")
    with pytest.raises(zoo.errors.CompressionError, match=f"compression {message}"):
        zoo.compress(run.model, test, tmp_path / "file")
    pytest.importorskip("jinja2")
    with pytest.raises(zoo.errors.ExportError, match=f"the page {message}"):
        zoo.explore(run.model, tmp_path / "page.html")


def test_the_commands(run, command, tmp_path):
    shown = command("evaluate", run.path, "--samples", 50)
    assert "images given their labels" in shown.stdout
    assert "samples" in shown.stdout
    digit = tmp_path / "digit.png"
    Image.fromarray(np.zeros((28, 28), "uint8")).save(digit)
    for arguments in (
        (), ("--kind", "samples"), ("--kind", "samples", "--labels", 3), ("--kind", "interpolation"),
        ("--kind", "latent-space"), (digit, digit, "--labels", "3,1"), (digit, digit, "--labels", 3),
    ):  # fmt: skip
        picture = tmp_path / "picture.png"
        done = command("reconstruct", run.path, *arguments, "--out", picture)
        assert done.exit_code == 0, done.stderr
        assert picture.stat().st_size > 1000
        picture.unlink()
    refused = command("reconstruct", run.path, digit, "--out", tmp_path / "picture.png")
    assert refused.exit_code != 0
    assert "labels: got none; expected whole numbers from 0 to 9" in refused.stderr
    assert command("reconstruct", run.path, digit, "--labels", "x", "--out", tmp_path / "p.png").exit_code == 2


def test_trained_by_the_command(command, tmp_path):
    done = command("train", PRESET, "--conditional", "--epochs", 1, "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert "given their labels" in done.stdout
    (path,) = (tmp_path / "tiny_cnn" / "tiny").iterdir()
    for name in ("samples", "interpolation", "latent_space", "reconstructions"):
        assert (path / f"{name}.png").is_file()
