"""Run folders from elsewhere: what is no regular file in one hangs nothing, takes no memory and changes nothing."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.paths import ROOT

import zoo
from zoo.benchmarking.verify import verify
from zoo.errors import RunError, ZooError
from zoo.report.collecting import collect
from zoo.runs import finding
from zoo.runs.checksums import compare_checksums, write_checksums
from zoo.runs.finding import find_files
from zoo.runs.history import History
from zoo.runs.lock import claim
from zoo.training.warm_start import find_start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
STORED = next((ROOT / "docs" / "leaderboard" / "small_cnn").glob("*/seed0-*"))
FILES = ["run.json", "history.csv", "SHA256SUMS", "model.keras", ".lock", "reconstructions.png", "leaderboard.json"]
KINDS = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
    "sparse": lambda path: (path.touch(), os.truncate(path, 2**40)),
    "link": lambda path: path.symlink_to(path.parents[1] / "thesis"),
    "link to nothing": lambda path: path.symlink_to(path.parents[1] / "made"),
    "twin": lambda path: os.link(path.parents[1] / "thesis", path),
}


@pytest.fixture
def folder(tmp_path):
    """A run folder, and beside it a file that nothing may change."""
    (tmp_path / "thesis").write_text("my only copy")
    copy = shutil.copytree(STORED, tmp_path / "run")
    sums = (copy / "SHA256SUMS").read_text()
    (copy / "SHA256SUMS").write_text(f"{sums}{'0' * 64}  model.keras\n{'0' * 64}  reconstructions.png\n")
    return copy


def use_lock(folder):
    with claim(folder):
        pass


USES = {
    "state": lambda folder: zoo.Run(folder).state,
    "doubts": lambda folder: zoo.Run(folder).doubts(),
    "html": lambda folder: zoo.Run(folder)._repr_html_(),
    "history": lambda folder: zoo.Run(folder).history,
    "model": zoo.load_model,
    "lock": use_lock,
    "collect": collect,
    "verify": verify,
    "compare": lambda folder: zoo.compare(folder, folder),
    "start": find_start,
    "checksums": write_checksums,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_odd_files_in_a_run_folder(folder, name, kind):
    (folder / name).unlink(missing_ok=True)
    KINDS[kind](folder / name)
    begun = time.monotonic()
    for use in USES.values():
        # Only writing stops at a folder.
        with contextlib.suppress(ZooError, ValueError, IsADirectoryError):
            use(folder)
    assert time.monotonic() - begun < 10
    assert (folder.parent / "thesis").read_text() == "my only copy"
    assert not (folder.parent / "made").exists()


@pytest.mark.parametrize("kind", ["link", "twin", "pipe", "folder"])
def test_a_lock_that_is_no_file_of_its_own_is_named(folder, kind):
    KINDS[kind](folder / ".lock")
    with pytest.raises(RunError, match=r"run: cannot be written to: \.lock: it is .*: remove it$"):
        use_lock(folder)


def test_a_lock_that_someone_left_is_taken(folder):
    (folder / ".lock").write_text("1" * 1000)
    use_lock(folder)
    assert not (folder / ".lock").exists()


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("run.json", "pipe", "run.json: cannot be read: it is a pipe: expected a regular file"),
        ("run.json", "device", "run.json: cannot be read: it is a link, which is not followed"),
        ("run.json", "sparse", "run.json: cannot be read: it has 1,099,511,627,776 bytes: expected at most 16,777,216"),
        ("history.csv", "pipe", "history.csv cannot be compared with SHA256SUMS: it is a pipe"),
        ("model.keras", "sparse", "model.keras cannot be compared with SHA256SUMS: it has 1,099,511,627,776 bytes"),
        ("SHA256SUMS", "pipe", "has no readable SHA256SUMS"),
    ],
)
def test_what_cannot_be_read_is_named(folder, name, kind, words):
    (folder / name).unlink(missing_ok=True)
    KINDS[kind](folder / name)
    assert any(words in doubt for doubt in zoo.Run(folder).doubts())


@pytest.mark.parametrize(
    "sums",
    [
        f"{'0' * 64}  run.json\n" * 2,
        "".join(f"{'0' * 64}  {number}\n" for number in range(20_000)),
        "\ud800".encode("utf-8", "surrogatepass"),
        "x" * 2**21,
    ],
)
def test_checksums_that_are_none(folder, sums):
    (folder / "SHA256SUMS").write_bytes(sums if isinstance(sums, bytes) else sums.encode())
    assert any("has no readable SHA256SUMS" in doubt for doubt in zoo.Run(folder).doubts())


def test_checksums_of_what_lies_elsewhere(folder):
    (folder / "way").symlink_to(folder.parent)
    names = ["../thesis", "way/thesis", str(folder.parent / "thesis"), "x" * 5000, "a\0b", "", "run.json/x"]
    (folder / "SHA256SUMS").write_text("".join(f"{'0' * 64}  {name}\n" for name in names))
    texts = [doubt.text for doubt in compare_checksums(folder)]
    assert len(texts) == len(names)
    assert all("which is not in the folder" in text for text in texts[:3])
    assert not any("is not the file" in text for text in texts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch,val_loss,val_negative_elbo\n1,1e308,1\n", r"line 2 has a number above 3.5e\+38"),
        ("epoch,val_loss,val_negative_elbo\n" + "1,1,1\n" * 100_001, "more than 100,000 lines"),
        ("epoch,epoch\n1,1\n", "two of one name"),
        (",".join(f"c{number}" for number in range(2000)), "it has 2,000 columns"),
        ("epoch,val_loss,val_negative_elbo\n1,1,1,1\n", "history.csv: cannot be read"),
        ("epoch,val_loss,val_negative_elbo\n1,1," + "9" * 200_000, "history.csv: cannot be read"),
    ],
)
def test_histories_that_are_none(tmp_path, text, words):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(RunError, match=words) as caught:
        History.read(tmp_path)
    assert len(str(caught.value)) < 500


def test_a_loss_that_diverged_is_a_history(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,val_loss,val_negative_elbo\n1,inf,nan\n2,3.4e38,1\n")
    assert History.read(tmp_path).best.epoch == 2


@pytest.fixture
def deep(tmp_path):
    """A folder of folders with a path longer than paths may be."""
    before = Path.cwd()
    os.chdir(tmp_path)
    for _ in range(1500):
        os.mkdir("deep")
        os.chdir("deep")
    os.chdir(before)
    yield tmp_path
    subprocess.run(["rm", "-rf", tmp_path / "deep"], check=True)  # Python's own functions call themselves.


def test_a_tree_is_searched_without_recursion(deep, monkeypatch, caplog):
    shutil.copytree(STORED, deep / "a" / "b" / "run")
    shutil.copytree(STORED, deep / ".hidden")
    (deep / "loop").symlink_to(deep)
    (deep / os.fsdecode(b"\xff")).mkdir()
    os.mkfifo(deep / os.fsdecode(b"\xff") / "run.json")
    (deep / "empty").mkdir()
    monkeypatch.setattr(finding, "BETWEEN", 0.0)
    with caplog.at_level("INFO", logger="zoo"):
        found = find_files(deep, "run.json")
    assert len(found.files["run.json"]) == 2
    assert found.left_out == 1
    assert "could not be listed or lie too deep, found 2 run.json" in caplog.messages[-1]
    collection = collect(deep)
    assert list(collection.runs) == ["a/b/run"]
    (failure,) = collection.failures
    assert "it is a pipe" in failure.reason
    with pytest.raises(RunError, match=r"found no run.json \(looked into 1 folder\): expected a run folder"):
        collect(deep / "empty")
