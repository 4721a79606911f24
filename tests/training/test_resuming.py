import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

import zoo
import zoo.files
from zoo.errors import RunError
from zoo.training import callbacks, resume

SCHEMA = json.loads((files("zoo.runs") / "run.schema.json").read_text())
PRESET = "noisy_cnn/tiny"
SETTINGS = {"seed": 3, "kl_weight": {"warm_up_steps": 15}, "learning_rate": 0.01, "progress": False}
SETTINGS["learning_rate_decay"] = 0.25  # The last of four epochs.
EPOCHS = 4
KILLS = 3
NUMBERS = ("negative_elbo", "reconstruction", "kl", "bits_per_dim", "mse", "psnr", "ssim", "active_units")
pytestmark = pytest.mark.usefixtures("few_pictures")


@pytest.fixture
def tiny(install):
    """Both the architecture that all have, and one whose layers draw."""
    return install("tiny-digits", {"tiny_digits": "tiny_digits", "noisy_digits": "noisy_digits"})


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return {"out": tmp_path_factory.mktemp("whole")}


@pytest.fixture
def whole(tiny, cache):
    """The run that nothing disturbs; trained once."""
    if "run" not in cache:
        cache["run"] = zoo.train(PRESET, epochs=EPOCHS, out=cache["out"], **SETTINGS)
    return cache["run"]


def read_history(run):
    return [
        {key: float(value) for key, value in row.items()}
        for row in csv.DictReader((run.path / "history.csv").read_text().splitlines())
    ]


def check_same(run, other):
    assert run.status == other.status == "finished"
    rows, others = read_history(run), read_history(other)
    assert len(rows) == len(others)
    for row, expected in zip(rows, others, strict=True):
        assert row == pytest.approx(expected, rel=1e-6)
    one, two = ({key: item.scores[key] for key in NUMBERS} for item in (run, other))
    assert one == pytest.approx(two, rel=1e-6)
    assert run.best == pytest.approx(other.best, rel=1e-6)
    assert run.cost["epochs"] == other.cost["epochs"]
    for part in ("model", "optimizer"):
        one, two = ((item.model if part == "model" else item.model.optimizer).variables for item in (run, other))
        for weight, expected in zip(one, two, strict=True):
            if "seed_generator" not in weight.path:
                np.testing.assert_allclose(weight, expected, rtol=1e-6, atol=1e-6)


def check_folder(run):
    jsonschema.validate(json.loads((run.path / "run.json").read_text()), SCHEMA)
    names = {item.name for item in run.path.iterdir()}
    assert {"model.keras", "history.csv", "SHA256SUMS", "loss_curve.png"} <= names
    assert not [name for name in names if name.startswith((".", "checkpoint"))]
    assert run.doubts() == []


@pytest.fixture
def interrupt(monkeypatch):
    """Press Ctrl-C in a training: ``interrupt(epoch, batch)``; later if several batches are taken at a time."""

    def press(epoch, batch):
        original = callbacks.StopOnNonFinite.on_train_batch_end

        def end_batch(self, number, logs=None):
            original(self, number, logs)
            if self.epoch + 1 == epoch and number >= batch:
                monkeypatch.setattr(callbacks.StopOnNonFinite, "on_train_batch_end", original)
                raise KeyboardInterrupt

        monkeypatch.setattr(callbacks.StopOnNonFinite, "on_train_batch_end", end_batch)

    return press


def find_run(folder):
    (record,) = folder.glob("*/*/*/run.json")
    return zoo.Run(record.parent)


def test_after_interrupts(tiny, whole, interrupt, tmp_path):
    interrupt(1, 2)
    with pytest.raises(KeyboardInterrupt, match="no epoch was finished"):
        zoo.train(PRESET, epochs=EPOCHS, out=tmp_path, **SETTINGS)
    run = find_run(tmp_path)
    assert run.status == "interrupted"
    interrupt(3, 2)
    with pytest.raises(KeyboardInterrupt, match=r"keeps the model of epoch \d.*--resume .* continues after epoch 2"):
        resume(run, progress=False)
    assert (run.path / "checkpoint-2.keras").exists()
    assert len(zoo.Run(run.path).doubts()) == 1  # It is not finished: no file is another.
    with pytest.raises(RunError, match="got epochs=1, but 2 epochs are done: expected at least as many"):
        resume(run, epochs=1)
    again = resume(run, progress=False)
    assert again.path == run.path
    check_same(again, whole)
    check_folder(again)
    assert [entry["after_epoch"] for entry in again.record["provenance"]["resumed"]] == [0, 2]
    with pytest.raises(RunError, match="the run finished after 4 epochs, so nothing is left to train"):
        resume(again, epochs=EPOCHS)


@pytest.mark.slow
def test_more_epochs(tiny, tmp_path):
    settings = {**SETTINGS, "learning_rate_decay": 0}
    whole = zoo.train(PRESET, epochs=EPOCHS, out=tmp_path / "whole", **settings)
    short = zoo.train(PRESET, epochs=3, out=tmp_path / "parts", **settings)
    before = {item.name: item.read_bytes() for item in short.path.iterdir()}
    run = resume(short, epochs=EPOCHS, progress=False)
    assert run.path == tmp_path / "parts" / whole.path.relative_to(tmp_path / "whole")
    check_same(run, whole)
    check_folder(run)
    assert {item.name: item.read_bytes() for item in short.path.iterdir()} == before
    with pytest.raises(RunError, match=r"already holds a run \(finished\)"):
        resume(short, epochs=EPOCHS)
    with pytest.raises(RunError, match="finished after 3 epochs, so nothing is left to train"):
        resume(short, epochs=2)


@pytest.mark.slow
def test_more_epochs_before_the_learning_rate_falls(tiny, whole, interrupt, tmp_path):
    interrupt(3, 0)
    with pytest.raises(KeyboardInterrupt):
        zoo.train(PRESET, epochs=3, out=tmp_path, **SETTINGS)
    short = find_run(tmp_path)
    run = resume(short, epochs=EPOCHS, progress=False)
    check_same(run, whole)
    check_folder(run)
    assert zoo.Run(short.path).status == "interrupted"
    check_same(resume(short, progress=False), zoo.train(PRESET, epochs=3, out=tmp_path / "other", **SETTINGS))


@pytest.mark.slow
def test_early_stopping_goes_on(tiny, interrupt, tmp_path):
    # With a learning rate of nearly nothing the loss only jitters.
    settings = {**SETTINGS, "learning_rate": 1e-12, "early_stopping": 2, "epochs": 30}
    run = zoo.train(PRESET, out=tmp_path / "whole", **settings)
    assert run.best["epoch"] + 2 == run.cost["epochs"] < 30
    interrupt(run.cost["epochs"], 0)
    with pytest.raises(KeyboardInterrupt):
        zoo.train(PRESET, out=tmp_path / "parts", **settings)
    again = resume(find_run(tmp_path / "parts"), progress=False)
    check_same(again, run)
    with pytest.raises(RunError, match="early stopping ended the run after"):
        resume(again, epochs=40)


@pytest.fixture
def snapshots(tiny, tmp_path, monkeypatch):
    """Copy the folder as a kill would leave it: before and after each file takes its place, and before one goes."""
    taken = []

    def take(folder, what):
        copied = tmp_path / f"{len(taken)}" / "run"
        shutil.copytree(folder, copied, ignore=shutil.ignore_patterns(".lock"))
        taken.append((what, copied))

    class Os:
        def __getattr__(self, name):
            return getattr(os, name)

        def replace(self, source, target):
            take(target.parent, f"before {target.name}")
            os.replace(source, target)
            take(target.parent, f"after {target.name}")

    with monkeypatch.context() as patch:
        patch.setattr(zoo.files, "os", Os())
        zoo.train(PRESET, epochs=2, out=tmp_path / "runs", **SETTINGS)
    return taken


def check_snapshots(chosen, whole):
    for what, path in chosen:
        if (path / "run.json").exists():
            run = resume(path, progress=False)
            check_same(run, whole)
            check_folder(run)
        else:
            assert what == "before run.json"
            with pytest.raises(RunError, match="not a run folder"):
                resume(path)


@pytest.mark.slow
def test_after_a_kill_at_every_moment(snapshots, tmp_path):
    moments = {what for what, _ in snapshots}
    assert moments > {"before run.json", "after checkpoint-1.keras", "before checkpoint-2.keras", "before SHA256SUMS"}
    check_snapshots(snapshots, zoo.train(PRESET, epochs=2, out=tmp_path / "whole", **SETTINGS))


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.slow
def test_after_sigkill(tiny, tmp_path):
    """Kill the process at moments drawn by chance, go on, kill it again."""
    code = (
        "import sys, zoo; from zoo.training import resume\n"
        f"if len(sys.argv) == 2: zoo.train({PRESET!r}, epochs=6, out=sys.argv[1], **{SETTINGS!r})\n"
        "else: resume(sys.argv[2], progress=False)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tiny), *sys.path])}
    chance = random.Random(time.time())
    arguments, done = [tmp_path / "killed"], 0
    for _ in range(KILLS):
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment)
        while not [file for file in tmp_path.glob("killed/*/*/*/checkpoint-*") if int(file.stem[11:]) > done]:
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        path = find_run(tmp_path / "killed").path
        arguments = [tmp_path / "killed", path]
        done = max(int(file.stem[11:]) for file in path.glob("checkpoint-*"))
    with pytest.raises(RunError, match=r"\(running, but its process has ended\): resume it"):
        zoo.train(PRESET, epochs=6, out=tmp_path / "killed", **SETTINGS)
    run = resume(path, progress=False)
    check_same(run, zoo.train(PRESET, epochs=6, out=tmp_path / "whole", **SETTINGS))
    check_folder(run)
    assert len(run.record["provenance"]["resumed"]) == KILLS
