"""Runs that cannot be gone on with, and folders that are another process's."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

import zoo
from zoo.errors import RunError, UnknownNameError
from zoo.runs import lock
from zoo.runs.run import run_path
from zoo.training import resume
from zoo.training.callbacks import WriteEvents

SETTINGS = {"seed": 3, "progress": False}
OTHER = r"checkpoint-1.keras is not of the run that its run.json describes: "


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache") / "run"


@pytest.fixture
def stopped(tiny, cache, tmp_path, interrupted):
    """A copy of a run that was interrupted after its first epoch."""
    if not cache.exists():
        with interrupted(), pytest.raises(KeyboardInterrupt):
            zoo.train("tiny_cnn/tiny", out=tmp_path / "first", **SETTINGS)
        (record,) = tmp_path.glob("first/*/*/*/run.json")
        shutil.copytree(record.parent, cache)
    return zoo.Run(shutil.copytree(cache, tmp_path / "run"))


def change(run, *keys, to):
    """Change an entry of ``run.json``."""
    record = entry = json.loads((run.path / "run.json").read_text())
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = to
    (run.path / "run.json").write_text(json.dumps(record))


def refuses(run, words, kind=RunError, **options):
    files = {item.name: item.read_bytes() for item in run.path.iterdir()}
    with pytest.raises(kind, match=words) as caught:
        resume(run.path, progress=False, **options)
    assert "\n" not in str(caught.value)
    assert {item.name: item.read_bytes() for item in run.path.iterdir()} == files


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (["provenance", "zoo"], "0.0.9", r"the zoo changed since the run began \(then 0.0.9, now"),
        (["provenance", "plugin", "version"], "0.9", r"the plugin changed .* \(then version 0.9, now version 1.0\)"),
        (["provenance", "backend"], "abacus", r"the Keras backend changed .* \(then abacus, now \w+\)"),
        (["provenance", "dataset", "train", "sha256"], "0", "the images of the dataset .* the SHA-256 differs"),
        (["config", "image_shape"], [8, 8, 1], "the preset has since changed in image_shape"),
        (["config", "options", "depth"], 3, "cannot be trained as before: unknown option 'depth'"),
        (
            ["config", "options"],
            None,
            "run.json is damaged: config.options is None: expected a mapping",
        ),
        (["config", "options", "latent_dim"], 5, OTHER + r"its latent shape is \(3,\), here it is \(5,\): restore"),
        (["config", "recipe", "likelihood"], "gaussian", OTHER + "its .* is "),
        (["config", "recipe", "binarization"], "threshold", OTHER + "its binarization is none, here it is threshold"),
        (["config", "recipe", "optimizer"], "sgd", OTHER + "its optimizer is Adam, here it is SGD"),
        (["config", "seed"], 4, OTHER + "its seed is 3, here it is 4"),
        (["config"], {}, "run.json is damaged: config.preset is missing: train it from scratch"),
        (["cost"], None, "run.json is damaged: cost is None: expected a mapping: train it from scratch"),
        (["status"], "asleep", "status is not one of"),
    ],
)
def test_another_run_than_began(stopped, keys, value, words):
    change(stopped, *keys, to=value)
    refuses(stopped, words)


def test_another_plugin(stopped):
    change(stopped, "config", "preset", to="tiny_cmm/tiny")
    refuses(stopped, "no .* is called 'tiny_cmm", UnknownNameError)


def test_other_packages_are_a_warning(stopped):
    change(stopped, "provenance", "packages", "numpy", to="1.0")
    (stopped.path / "checkpoint-1.keras").write_bytes(b"")  # So that nothing is trained.
    with (
        pytest.warns(UserWarning, match=r"packages changed since the run began \(then numpy 1.0, now numpy"),
        pytest.raises(RunError),
    ):
        resume(stopped, progress=False)


@pytest.mark.parametrize("damage", ["cut", "bit", "empty"])
def test_damaged_checkpoint(stopped, damage):
    file = stopped.path / "checkpoint-1.keras"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes({"cut": bytes(content[:1000]), "bit": bytes(content), "empty": b""}[damage])
    refuses(stopped, r"checkpoint-1.keras: .*train the run from scratch \(overwrite=True")


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
@pytest.mark.parametrize("kind", ["link", "pipe", "device", "folder"])
def test_a_checkpoint_that_is_no_file(stopped, tmp_path, kind):
    file = stopped.path / "checkpoint-1.keras"
    os.rename(file, tmp_path / "elsewhere.keras")
    makers = {"link": lambda: file.symlink_to(tmp_path / "elsewhere.keras"), "pipe": lambda: os.mkfifo(file)}
    makers |= {"device": lambda: file.symlink_to("/dev/zero"), "folder": file.mkdir}
    makers[kind]()
    what = {"device": "link"}.get(kind, kind)
    with pytest.raises(RunError, match=rf"checkpoint-1\.keras: not a \.keras file: it is a {what}.*from scratch"):
        resume(stopped, progress=False)


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_event_files_that_lead_elsewhere(stopped, monkeypatch, tmp_path):
    (tmp_path / "diary").mkdir()
    (stopped.path / "tensorboard").symlink_to(tmp_path / "diary")
    jobs = []
    monkeypatch.setattr("zoo.training.resuming.do_job", lambda job, deterministic: jobs.append(job))
    resume(stopped, progress=False)
    assert jobs[0].tensorboard is False
    events = WriteEvents(stopped.path / "tensorboard", None)
    with pytest.raises(RunError, match="tensorboard is a link, which is not followed: remove it"):
        events.on_train_begin()
    (stopped.path / "tensorboard").unlink()
    (stopped.path / "tensorboard").mkdir()
    (stopped.path / "tensorboard" / "train").symlink_to(tmp_path / "diary")
    with pytest.raises(RunError, match="train is a link, which is not followed: remove it"):
        events.on_train_begin()
    assert not list((tmp_path / "diary").iterdir())


def test_more_epochs_when_the_learning_rate_has_begun_to_fall(stopped):
    change(stopped, "config", "recipe", "learning_rate_decay", to=0.6)
    refuses(stopped, r"by epoch 1 the learning rate has begun to fall", epochs=9)


@pytest.mark.parametrize("text", [None, "", "epoch,val_loss\n1,2.0\n", "epoch,val_loss,val_negative_elbo\n1,x,1\n"])
def test_damaged_history(stopped, text):
    (stopped.path / "history.csv").unlink()
    if text is not None:
        (stopped.path / "history.csv").write_text(text)
    refuses(stopped, r"history\.csv")


def test_missing_model_of_an_earlier_epoch(stopped):
    (stopped.path / "model.keras").unlink()
    os.rename(stopped.path / "checkpoint-1.keras", stopped.path / "checkpoint-2.keras")
    history = (stopped.path / "history.csv").read_text().splitlines()
    worse = history[1].replace("1,", "2,", 1).split(",")
    worse[history[0].split(",").index("val_loss")] = "9e9"
    (stopped.path / "history.csv").write_text("\n".join([*history, ",".join(worse)]) + "\n")
    refuses(stopped, r"model of the best epoch \(model.keras\) is missing")


def test_folders_that_are_no_runs(tiny, tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(RunError, match=r"not a run folder: it has no run\.json"):
            resume(path)
    assert not (tmp_path / "nowhere").exists()


def test_a_run_that_failed_for_good(tiny, tmp_path):
    with pytest.raises(RunError, match="the loss became nan"):
        zoo.train("explodes/tiny", out=tmp_path, epochs=3, **SETTINGS)
    (record,) = tmp_path.glob("*/*/*/run.json")
    message = r"the run failed \(the loss became nan at step 9 .epoch 2., at a learning rate of 0.001: .*\) and has no"
    refuses(zoo.Run(record.parent), message)


@pytest.fixture
def holder(stopped, tmp_path):
    """Another process that holds the run's folder."""
    # The module alone, without Keras.
    shutil.copy(lock.__file__, tmp_path / "copied_lock.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    code = "import sys, time, pathlib, copied_lock\nwith copied_lock.claim(pathlib.Path(sys.argv[1])):\n"
    arguments = [sys.executable, "-c", f"{code}    print(flush=True); time.sleep(600)", stopped.path]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment)
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_folder_that_another_process_holds(stopped, holder, tmp_path):
    words = f"process {holder.pid} is training this run: wait until it ends"
    refuses(stopped, words)
    refuses(stopped, words, epochs=9)
    out = tmp_path / "out"
    path = out / "tiny_cnn" / "tiny" / run_path(out, "tiny_cnn/tiny", 3, stopped.config).name
    path.parent.mkdir(parents=True)
    stopped.path.rename(path)
    for overwrite in (False, True):
        with pytest.raises(RunError, match=words):
            zoo.train("tiny_cnn/tiny", out=out, overwrite=overwrite, **SETTINGS)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (path / ".lock").exists()  # The file stays, the lock does not.
    with lock.claim(path):
        pass
    assert not (path / ".lock").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no such links there")
def test_a_run_folder_that_leads_elsewhere_is_not_emptied(stopped, tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis").write_text("my only copy")
    out = tmp_path / "out"
    path = out / "tiny_cnn" / "tiny" / run_path(out, "tiny_cnn/tiny", 3, stopped.config).name
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "papers")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="is a link, which is not followed: remove it"):
            zoo.train("tiny_cnn/tiny", out=out, overwrite=overwrite, **SETTINGS)
    assert [item.name for item in (tmp_path / "papers").iterdir()] == ["thesis"]


def test_the_best_model_is_compared_too(stopped):
    os.rename(stopped.path / "checkpoint-1.keras", stopped.path / "checkpoint-2.keras")
    history = (stopped.path / "history.csv").read_text().splitlines()
    worse = history[1].replace("1,", "2,", 1).split(",")
    worse[history[0].split(",").index("val_loss")] = "9e9"
    (stopped.path / "history.csv").write_text("\n".join([*history, ",".join(worse)]) + "\n")
    zoo.create_model("tiny_cnn/tiny", latent_dim=5, seed=3).save(stopped.path / "model.keras")
    refuses(stopped, r"model\.keras is not of the run that its run\.json describes: its latent shape is \(5,\)")


def test_claiming_leaves_no_folder_behind(tmp_path):
    with lock.claim(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / ".lock").exists()
    assert not list(tmp_path.iterdir())


def test_a_lock_file_that_vanished_is_not_held(tmp_path):
    file = tmp_path / ".lock"
    with lock.claim(tmp_path):
        file.unlink()
        with lock.claim(tmp_path):  # Another file: the first one is no longer there to be locked.
            assert file.read_text() == str(os.getpid())


def test_a_lock_file_that_is_a_link_is_left_alone(tmp_path):
    (tmp_path / "other").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "other")
    with pytest.raises(RunError, match="cannot be written to"), lock.claim(tmp_path / "run"):
        pass
    assert (tmp_path / "other").read_text() == "precious"


@pytest.mark.parametrize("reason", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_file_systems_without_locks(tmp_path, monkeypatch, reason):
    def refuse(*_):
        raise OSError(reason, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with lock.claim(tmp_path):
        assert (tmp_path / ".lock").exists()
