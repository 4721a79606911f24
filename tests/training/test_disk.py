"""A full disk or a folder that cannot be written to: one sentence, and what was good stays."""

import contextlib
import errno
import json
import os
import subprocess
import sys
import types

import pytest
from click.testing import CliRunner

import zoo
import zoo.files
from zoo.cli import main
from zoo.errors import RunError
from zoo.training import callbacks, resume

SETTINGS = {"seed": 3, "progress": False, "epochs": 2}
FULL = "cannot be written to: No space left on device"
pytestmark = pytest.mark.usefixtures("few_pictures")


@contextlib.contextmanager
def full_disk(name, count=1, *, sticky=False):
    """Fill the disk: from its ``count``-th time on, no file ``name`` can be written; with ``sticky``, no file."""
    seen = []

    def replace(source, target):
        seen.extend([target.name] if target.name == name else [])
        if len(seen) >= count and (sticky or target.name == name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))
        os.replace(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo.files, "os", types.SimpleNamespace(**{**vars(os), "replace": replace}))
        yield


def find_folder(out):
    (folder,) = out.glob("tiny_cnn/*/*")
    return folder


def check_left(folder, *, status, best):
    assert not [item.name for item in folder.iterdir() if item.name.startswith(".")]
    run = zoo.Run(folder)
    assert run.status == status
    if best is not None:
        assert run.best["epoch"] == best
        assert run.model.latent_shape == (3,)


@pytest.mark.parametrize(
    ("name", "count", "best", "after"),
    [
        pytest.param("history.csv", 2, 1, 1, marks=pytest.mark.slow),
        pytest.param("checkpoint-2.keras", 1, 1, 1, marks=pytest.mark.slow),
        ("model.keras", 2, 1, 2),
        pytest.param("loss_curve.png", 1, 2, 2, marks=pytest.mark.slow),
        pytest.param("SHA256SUMS", 1, 2, 2, marks=pytest.mark.slow),
    ],
)
def test_full_disk(tiny, tmp_path, name, count, best, after):
    words = (
        rf"training tiny_cnn/tiny failed: \S+ {FULL}: \S+ keeps the model of epoch {best}.* "
        rf"continues after epoch {after}"
    )
    with full_disk(name, count), pytest.raises(RunError, match=words) as caught:
        zoo.train("tiny_cnn/tiny", out=tmp_path, learning_rate=0.01, **SETTINGS)
    assert "\n" not in str(caught.value)
    folder = find_folder(tmp_path)
    check_left(folder, status="failed", best=best)
    assert FULL in zoo.Run(folder).record["error"]
    run = resume(folder, progress=False)
    assert (run.status, run.best["epoch"], run.doubts()) == ("finished", 2, [])


def test_disk_full_from_the_start(tiny, tmp_path):
    with full_disk("run.json", sticky=True), pytest.raises(RunError, match=f"{FULL}: no epoch was finished"):
        zoo.train("tiny_cnn/tiny", out=tmp_path / "runs", **SETTINGS)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_disk_full_from_the_second_epoch_on(tiny, tmp_path):
    with (
        full_disk("history.csv", 2, sticky=True),
        pytest.raises(RunError, match=f"{FULL}: .* keeps the model of epoch 1"),
    ):
        zoo.train("tiny_cnn/tiny", out=tmp_path, **SETTINGS)
    check_left(find_folder(tmp_path), status="running", best=1)


def test_disk_full_at_the_end(tiny, tmp_path):
    # After the start and two epochs.
    with full_disk("run.json", 4, sticky=True), pytest.raises(RunError, match=f"{FULL}: .* continues after epoch 2"):
        zoo.train("tiny_cnn/tiny", out=tmp_path, **SETTINGS)
    check_left(find_folder(tmp_path), status="running", best=2)


@pytest.mark.slow
def test_disk_full_while_keras_saves(tiny, tmp_path, monkeypatch):
    def save(self, path, *args, **kwargs):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(zoo.AutoEncoder, "save", save)
    with pytest.raises(RunError, match=f"{FULL}: no epoch was finished"):
        zoo.train("tiny_cnn/tiny", out=tmp_path, **SETTINGS)
    check_left(find_folder(tmp_path), status="failed", best=None)


def test_disk_full_in_the_command(tiny, tmp_path):
    with full_disk("checkpoint-1.keras"):
        result = CliRunner().invoke(main, ["train", "tiny_cnn/tiny", "--epochs", "1", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if FULL in line] == [result.stderr.splitlines()[-1]]
    assert "Traceback" not in result.stderr


def test_read_only_folder(tiny, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.SaveEpochs, "on_epoch_end", refuse)
        with pytest.raises(RunError, match="cannot be written to: Read-only file system: no epoch was finished"):
            zoo.train("tiny_cnn/tiny", out=tmp_path, **SETTINGS)
    folder = find_folder(tmp_path)
    opened = os.open

    def open_to_read(path, flags, *arguments, **options):
        return refuse() if flags & (os.O_WRONLY | os.O_RDWR) else opened(path, flags, *arguments, **options)

    monkeypatch.setattr("zoo.runs.lock.os.open", open_to_read)
    for attempt in (
        lambda: zoo.train("tiny_cnn/tiny", out=tmp_path, overwrite=True, **SETTINGS),
        lambda: resume(folder),
    ):
        with pytest.raises(RunError, match="cannot be written to: Read-only file system: choose another folder"):
            attempt()
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"


@pytest.fixture
def small_disk(tmp_path, request):
    """A disk of so many KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(("small_disk", "tensorboard"), [(160, False), (12, True)], indirect=["small_disk"])
def test_a_disk_that_is_really_full(tiny, small_disk, tensorboard):
    if tensorboard:
        pytest.importorskip("tensorboard")
    with pytest.raises(RunError, match="cannot be written to: No space left on device") as caught:
        zoo.train("tiny_cnn/tiny", out=small_disk, tensorboard=tensorboard, **SETTINGS)
    assert "\n" not in str(caught.value)
    assert not list(small_disk.rglob(".*"))
