"""Callbacks of the user in a training: objects, and functions named in a recipe or on the command line."""

import json
import re
import sys
import types
from importlib.resources import files

import jsonschema
import keras
import numpy as np
import pytest

import zoo
from zoo.errors import RunError
from zoo.runs.history import History

SCHEMA = json.loads((files("zoo.runs") / "run.schema.json").read_text())
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8)
SETTINGS = {"data": IMAGES, "filters": [4], "latent_dim": 2, "epochs": 2, "batch_size": 16, "progress": False}
pytestmark = pytest.mark.usefixtures("few_pictures")


class Note(keras.callbacks.Callback):
    """Notes what it sees; with ``change`` it also changes the values that it is given."""

    def __init__(self, run=None, change=False):
        super().__init__()
        self.run, self.change, self.seen = run, change, []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, type(self.model).__name__, set(logs)))
        if self.change:
            logs["val_loss"] = -float(epoch)
            logs["own"] = 1.0


class Fail(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise OSError(28, "the tracker has no space")


@pytest.fixture
def module(monkeypatch):
    """A module of the user's, ``own_callbacks``, with functions that make callbacks."""
    made = types.SimpleNamespace(runs=[])

    def note(run):
        made.runs.append(run)
        return Note(run)

    def refuse(run):
        raise RuntimeError("no server")

    made.note, made.refuse, made.wrong, made.fail = note, refuse, lambda run: "callback", lambda run: Fail(0)
    monkeypatch.setitem(sys.modules, "own_callbacks", made)
    return made


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return {"out": tmp_path_factory.mktemp("plain")}


@pytest.fixture
def plain(kept):
    """The run without callbacks; trained once."""
    if "run" not in kept:
        kept["run"] = zoo.train("small_cnn", out=kept["out"], **SETTINGS)
    return kept["run"]


def read(path):
    record = json.loads((path / "run.json").read_text())
    jsonschema.validate(record, SCHEMA)
    return record


def test_an_object_sees_the_model_and_what_is_logged(tmp_path):
    note = Note()
    zoo.train("small_cnn", out=tmp_path, callbacks=[note], **SETTINGS)
    logged = {"loss", "reconstruction_loss", "kl_loss", "negative_elbo"}
    logged |= {f"val_{name}" for name in logged}
    assert note.seen == [(0, "AutoEncoder", logged), (1, "AutoEncoder", logged)]


def test_what_it_changes_in_the_logs_changes_nothing_in_the_run(plain, tmp_path):
    changed = zoo.train("small_cnn", out=tmp_path / "changed", callbacks=[Note(change=True)], **SETTINGS)
    assert History.read(changed.path).rows == History.read(plain.path).rows
    assert changed.best == plain.best
    assert changed.scores == plain.scores
    assert changed.path.name == plain.path.name  # An object is no part of the configuration.


def test_what_it_changes_in_the_model_is_saved_with_the_epoch(tmp_path):
    class Clear(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            for weight in self.model.encoder.trainable_weights:
                weight.assign(np.zeros(weight.shape))

    run = zoo.train("small_cnn", out=tmp_path, callbacks=[Clear()], **SETTINGS)
    assert all(not np.any(np.asarray(weight)) for weight in run.model.encoder.trainable_weights)


def test_a_named_one_is_called_with_the_run_and_recorded(module, plain, tmp_path):
    run = zoo.train("small_cnn", out=tmp_path, callbacks=["own_callbacks:note"], **SETTINGS)
    (made,) = module.runs
    assert made.path == run.path
    assert read(run.path)["config"]["recipe"]["callbacks"] == ["own_callbacks:note"]
    assert plain.path.name != run.path.name
    assert "callbacks" not in read(plain.path)["config"]["recipe"]
    assert plain.scores == run.scores


def test_those_of_a_recipe_are_used_too(module, tmp_path, clean_registry, write_registry, monkeypatch, tiny):
    recipe = "{callbacks: ['own_callbacks:note'], epochs: 1}"
    monkeypatch.setenv("ZOO_REGISTRY", str(write_registry(f"datasets:\n  tiny: {{recipe: {recipe}}}\n")))
    zoo.refresh()
    note = Note()
    run = zoo.train("tiny_cnn/tiny", out=tmp_path / "runs", callbacks=[note], progress=False)
    assert len(module.runs) == len(note.seen) == 1
    assert run.config["recipe"]["callbacks"] == ["own_callbacks:note"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("refuse", "callback 'own_callbacks:refuse' raised RuntimeError: no server"),
        ("wrong", "callback 'own_callbacks:wrong' returned 'callback': expected a keras.callbacks.Callback"),
        ("fail", "the callback Fail raised OSError: .* the tracker has no space"),
    ],
)
def test_one_that_raises_fails_the_run_with_its_reason(module, tmp_path, name, words):
    with pytest.raises(RunError, match=words):
        zoo.train("small_cnn", out=tmp_path, callbacks=[f"own_callbacks:{name}"], **SETTINGS)
    (file,) = tmp_path.rglob("run.json")
    record = read(file.parent)
    assert record["status"] == "failed"
    assert re.search(words, record["error"])


@pytest.mark.parametrize(
    ("callbacks", "error", "words"),
    [
        (
            ["no_such_module:make"],
            ValueError,
            "there is no module no_such_module: install it, or add",
        ),
        (["own_callbacks:absent"], ValueError, "'own_callbacks:absent' cannot be imported: AttributeError"),
        (["own_callbacks"], ValueError, "expected a list of names such as 'my_module:make_callback'"),
        ([note := print], TypeError, "expected Keras callbacks, or names such as 'my_module:make_callback'"),
        ("own_callbacks:note", TypeError, "expected a list"),
        (Note(), TypeError, "expected a list"),
    ],
)
def test_wrong_ones_stop_before_anything_is_written(module, tmp_path, callbacks, error, words):
    with pytest.raises(error, match=words):
        zoo.train("small_cnn", out=tmp_path / "runs", callbacks=callbacks, **SETTINGS)
    assert not (tmp_path / "runs").exists()


def test_a_resumed_run_gets_them_and_ends_as_if_nothing_had_happened(module, plain, tmp_path, interrupted):
    settings = {**SETTINGS, "callbacks": ["own_callbacks:note"]}
    with interrupted(after=1), pytest.raises(KeyboardInterrupt):
        zoo.train("small_cnn", out=tmp_path / "parts", **settings)
    (file,) = (tmp_path / "parts").rglob("run.json")
    note = Note()
    with pytest.raises(ValueError, match="a resumed run keeps its recipe"):
        zoo.resume(file.parent, data=IMAGES, callbacks=["own_callbacks:note"])
    run = zoo.resume(file.parent, data=IMAGES, callbacks=[note], progress=False)
    assert [epoch for epoch, *_ in note.seen] == [1]
    assert len(module.runs) == 2
    assert run.scores == plain.scores
    assert History.read(run.path).rows == History.read(plain.path).rows


@pytest.mark.slow
def test_a_callback_that_fails_late_leaves_a_run_to_resume(plain, tmp_path):
    with pytest.raises(RunError, match="continues after epoch 1"):
        zoo.train("small_cnn", out=tmp_path / "runs", callbacks=[Fail(1)], **SETTINGS)
    (file,) = tmp_path.rglob("run.json")
    assert zoo.resume(file.parent, data=IMAGES, progress=False).scores == plain.scores


def test_on_the_command_line(command, tiny, module, tmp_path):
    out = ("--epochs", 1, "--out", tmp_path / "runs")
    result = command("train", "tiny_cnn/tiny", "--callback", "own_callbacks:note", *out)
    assert result.exit_code == 0, result.output
    (run,) = module.runs
    result = command("train", "--resume", run.path, "--callback", "own_callbacks:note")
    assert result.exit_code == 2
    assert "leave out --callback" in result.stderr
    result = command("train", "tiny_cnn/tiny", "--callback", "no_such_module:make", *out)
    assert result.exit_code == 2
    assert "there is no module no_such_module" in result.stderr
    result = command("train", "tiny_cnn/tiny", "--set", "callbacks=[a]", *out)
    assert "callbacks has its own option: use --callback" in result.stderr


@pytest.mark.slow
def test_in_a_benchmark(tiny, tmp_path, monkeypatch):
    (tmp_path / "tracking.py").write_text(
        "import keras\n\ndef note(run):\n"
        "    return keras.callbacks.LambdaCallback(\n"
        "        on_epoch_end=lambda epoch, logs: (run.path / 'noted.txt').write_text(str(epoch))\n    )\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    board = zoo.benchmark(
        ["tiny_cnn/tiny"], epochs=1, full=True, out=tmp_path / "runs", callbacks=["tracking:note"], progress=False
    )
    assert not board.failed
    (file,) = (tmp_path / "runs").rglob("noted.txt")
    assert file.read_text() == "0"
    assert zoo.Run(file.parent).doubts() == []
    for wrong, error in ((["tracking:absent"], "cannot be imported"), ([Note()], "expected a list of names")):
        with pytest.raises(ValueError, match=error):
            zoo.benchmark(["tiny_cnn/tiny"], full=True, out=tmp_path / "none", callbacks=wrong)
    assert not (tmp_path / "none").exists()
