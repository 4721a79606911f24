"""Training on images in memory, and from the weights of an earlier run."""

import hashlib
import json
import math
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

import zoo
from zoo.data.given import as_dataset
from zoo.errors import RunError
from zoo.runs.record import StartingPoint
from zoo.training.warm_start import find_start

SCHEMA = json.loads((files("zoo.runs") / "run.schema.json").read_text())
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8)
SETTINGS = {"filters": [4], "latent_dim": 2, "epochs": 2, "batch_size": 16, "progress": False}
pytestmark = pytest.mark.usefixtures("few_pictures")


def train(out, data=IMAGES, **settings):
    return zoo.train("small_cnn", data=data, out=out, **{**SETTINGS, **settings})


def read(run):
    record = json.loads((run.path / "run.json").read_text())
    jsonschema.validate(record, SCHEMA)
    return record


def find_run(folder):
    (file,) = folder.rglob("run.json")
    return zoo.Run(file.parent)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return {"out": tmp_path_factory.mktemp("whole")}


@pytest.fixture
def whole(kept):
    """One run for all tests that only look at it."""
    if "run" not in kept:
        kept["run"] = train(kept["out"])
    return kept["run"]


def test_an_array(whole):
    record = read(whole)
    assert whole.path.parts[-3:-1] == ("small_cnn", "array")
    assert {part: facts["images"] for part, facts in record["provenance"]["dataset"].items()} == {
        "train": 32, "validation": 4, "test": 4,
    }  # fmt: skip
    assert len(record["config"]["data"]) == 64
    assert math.isfinite(whole.scores["negative_elbo"])
    assert whole.scores["data"]["images"] == 4


def test_other_images_are_another_run(whole, kept):
    other = train(kept["out"], data=IMAGES[::-1])
    assert other.path != whole.path
    with pytest.raises(RunError, match="already holds a run"):
        train(kept["out"])


def test_a_dataset_with_any_name(tmp_path):
    def split(part, images):
        return zoo.Split(images, np.arange(len(images)), "../my photos", part)

    parts = {"train": IMAGES[:30], "validation": IMAGES[30:35], "test": IMAGES[35:]}
    splits = {part: split(part, images) for part, images in parts.items()}
    dataset = zoo.Dataset("../my photos", **splits, classes=(), image_shape=(8, 8, 1))
    run = train(tmp_path / "runs", data=dataset)
    assert run.path.parent == tmp_path / "runs" / "small_cnn" / "__my_photos"
    assert run.scores == zoo.evaluate(run.model, dataset.test)


def test_settings_by_the_number_of_images(tmp_path, monkeypatch):
    from zoo.training.plan import plan_run

    monkeypatch.chdir(tmp_path)
    dataset = as_dataset(IMAGES)
    few = plan_run("small_cnn", data=dataset).recipe
    assert few.batch_size < zoo.Recipe().batch_size
    assert few.epochs > zoo.Recipe().epochs
    assert plan_run("small_cnn", data=dataset, epochs=3, batch_size=5).recipe.epochs == 3


@pytest.mark.parametrize(
    ("preset", "settings", "error", "words"),
    [
        (
            "small_cnn/mnist",
            {},
            ValueError,
            "with the preset 'small_cnn/mnist': expected an architecture",
        ),
        ("small_cnn", {"sample": True}, ValueError, "data= and sample are both given"),
        ("small_cnn", {"data_dir": "."}, ValueError, "data and data_dir are both given"),
        ("smal_cnn", {}, LookupError, "did you mean 'small_cnn'"),
        ("small_cnn", {"data": None}, LookupError, r"expected a preset such as 'small_cnn/mnist', or images \(data=\)"),
    ],
)
def test_what_does_not_go_together(tmp_path, preset, settings, error, words):
    with pytest.raises(error, match=words):
        zoo.train(preset, out=tmp_path / "runs", **{"data": IMAGES, **settings})
    assert not (tmp_path / "runs").exists()


def test_resuming_needs_the_same_images(whole, tmp_path, interrupted):
    with interrupted(after=1), pytest.raises(KeyboardInterrupt):
        train(tmp_path)
    run = find_run(tmp_path)
    with pytest.raises(RunError, match=r"trained on images in memory: pass the same ones again.*zoo.resume"):
        zoo.resume(run)
    with pytest.raises(RunError, match="data= has other images than the run was trained on: the SHA-256 differs"):
        zoo.resume(run, data=IMAGES[::-1])
    assert zoo.resume(run, data=IMAGES, progress=False).scores == whole.scores


def test_resuming_a_named_dataset_takes_no_images(tiny, tmp_path):
    run = zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, progress=False)
    with pytest.raises(RunError, match="the run was trained on the dataset tiny: leave out data="):
        zoo.resume(run, data=IMAGES)


def test_other_commands_say_that_they_lack_the_images(whole, command):
    result = command("evaluate", whole.path)
    assert result.exit_code == 2
    assert "was trained on 'array', which is no dataset known here: pass --data DATASET" in result.stderr
    result = command("verify", whole.path)
    assert result.exit_code == 0
    assert "the scores cannot be recomputed: the run was trained on images in memory" in result.stdout
    assert "1 unchecked" in result.stdout


def weights(model):
    return [np.asarray(weight) for part in (model.encoder, model.decoder) for weight in part.weights]


def test_a_start_is_a_run_a_folder_or_a_file(whole):
    file = whole.path / "model.keras"
    expected = StartingPoint(str(file), hashlib.sha256(file.read_bytes()).hexdigest())
    assert all(find_start(source) == expected for source in (whole, whole.path, str(whole.path), file))


def test_weights_come_from_the_start_and_nothing_else(whole, tmp_path):
    # With a learning rate of nearly nothing they stay what they were.
    run = train(tmp_path, start=whole, learning_rate=1e-12, epochs=1)
    for own, earlier in zip(weights(run.model), weights(whole.model), strict=True):
        np.testing.assert_allclose(own, earlier, atol=1e-6)
    record, digest = read(run), hashlib.sha256((whole.path / "model.keras").read_bytes()).hexdigest()
    assert record["config"]["start"] == digest
    assert record["provenance"]["start"] == {"path": str(whole.path / "model.keras"), "sha256": digest}
    assert int(run.model.optimizer.iterations) == 2
    assert int(run.model.kl_step) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"latent_dim": 3}, "its latent_dim is 2, here it is 3"),
        ({"filters": [5]}, r"its filters is \[4\], here it is \[5\]"),
        ({"data": IMAGES[:, :6]}, r"its image_shape is \(8, 8, 1\), here it is \(6, 8, 1\)"),
    ],
)
def test_another_run_is_refused_before_anything_is_written(whole, tmp_path, settings, words):
    with pytest.raises(RunError, match=f"{words}: expected a model of the same architecture and options"):
        train(tmp_path / "runs", **{"start": whole, **settings})
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"latent_dim": 3}, r"its latent shape is \(2,\), here it is \(3,\)"),
        ({"filters": [5]}, r"its encoder.layers\[1\].filters is 4, here it is 5"),
        ({"data": IMAGES[:, :6]}, r"its image shape is \(8, 8, 1\), here it is \(6, 8, 1\)"),
        ({"likelihood": "bernoulli"}, r"its decoder\..* is 2, here it is 1"),
    ],
)
def test_another_file_is_refused(whole, tmp_path, settings, words):
    file = tmp_path / "mine.keras"
    whole.model.save(file)
    with pytest.raises(RunError, match=words):
        train(tmp_path / "runs", **{"start": file, **settings})
    assert find_run(tmp_path / "runs").status == "failed"


def test_another_architecture_is_refused(whole, tmp_path):
    file = tmp_path / "mine.keras"
    zoo.create_model("deep_cnn", image_shape=(8, 8, 1), filters=[4], latent_dim=2).save(file)
    with pytest.raises(RunError, match="its encoder is of deep_cnn, here it is of small_cnn"):
        train(tmp_path / "runs", start=file)


@pytest.mark.parametrize("name", ["nowhere", "empty", "other.txt"])
def test_a_start_that_is_no_model(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.txt").write_text("text")
    with pytest.raises(zoo.errors.ZooError, match=name):
        train(tmp_path / "runs", start=tmp_path / name)


@pytest.mark.slow
def test_a_warm_start_resumes(whole, tmp_path, interrupted, monkeypatch):
    start = tmp_path / "start.keras"
    start.write_bytes((whole.path / "model.keras").read_bytes())
    expected = train(tmp_path / "whole", start=start)
    with interrupted(after=1), pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts", start=start)
    run = zoo.resume(find_run(tmp_path / "parts"), data=IMAGES, progress=False)
    assert run.scores == expected.scores
    assert read(run)["provenance"]["start"] == read(expected)["provenance"]["start"]


@pytest.mark.slow
def test_a_warm_start_that_is_interrupted_at_once_needs_its_start(whole, tmp_path, monkeypatch):
    from zoo.training import job

    start = tmp_path / "start.keras"
    start.write_bytes((whole.path / "model.keras").read_bytes())

    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job, "copy_weights", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "parts", start=start)
    run = find_run(tmp_path / "parts")
    content = start.read_bytes()
    start.write_bytes(content + b"0")
    with pytest.raises(RunError, match="is no longer the model that the run started from"):
        zoo.resume(run, data=IMAGES)
    start.unlink()
    with pytest.raises(RunError, match="the model that the run started from, is missing"):
        zoo.resume(run, data=IMAGES)
    start.write_bytes(content)
    assert zoo.resume(run, data=IMAGES, progress=False).scores == train(tmp_path / "whole", start=start).scores


@pytest.mark.slow
def test_start_on_the_command_line(tiny, command, tmp_path):
    first = command("train", "tiny_cnn/tiny", "--epochs", 1, "--out", tmp_path)
    path = first.stdout.splitlines()[-1]
    second = command("train", "tiny_cnn/tiny", "--epochs", 1, "--out", tmp_path, "--start", path)
    assert second.exit_code == 0, second.output
    assert second.stdout.splitlines()[-1] != path
    result = command("train", "tiny_cnn/tiny", "--start", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere" in result.stderr
    result = command("train", "--resume", path, "--start", path)
    assert "leave out --start" in result.stderr
