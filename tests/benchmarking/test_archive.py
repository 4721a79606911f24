"""Runs that come back from machines that share no folder: nothing but what the run wrote gets into the run folder."""

import io
import json
import shutil
import tarfile

import pytest
from support.paths import ROOT

from zoo.benchmarking.engines.archive import ArchiveError, pack, unpack
from zoo.runs.lock import claim
from zoo.runs.run import Run


@pytest.fixture
def finished(tmp_path):
    """A finished, intact run."""
    source = next(file for file in sorted((ROOT / "docs/leaderboard").glob("*/*/seed0-*")) if Run(file).doubts() == [])
    return Run(shutil.copytree(source, tmp_path / "there" / source.name))


def files(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_run_comes_back_file_by_file_in_place_of_what_was_there(finished, tmp_path):
    (finished.path / ".hidden").write_text("a lock, say")
    target = tmp_path / "here" / "run"
    target.mkdir(parents=True)
    (target / "checkpoint-1.keras").write_text("of an earlier attempt")
    unpack(pack(finished.path), target, finished.config)
    (finished.path / ".hidden").unlink()
    assert files(target) == files(finished.path)
    assert [file.name for file in target.parent.iterdir()] == ["run"]


def repack(finished, change):
    """Return the archive of a run with its members and their contents changed."""
    made = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(pack(finished.path))) as old, tarfile.open(fileobj=made, mode="w") as new:
        for member in old:
            for info, content in change(member, old.extractfile(member).read()):
                info.size = len(content) if info.isreg() else 0
                new.addfile(info, io.BytesIO(content))
    return made.getvalue()


def change_history(member, content):
    yield member, content + b"1" if member.name == "history.csv" else content


def drop_history(member, content):
    if member.name != "history.csv":
        yield member, content


def insert(name, **fields):
    def change(member, content):
        yield member, content
        if member.name == "run.json":
            info = tarfile.TarInfo(name)
            for field in fields.items():
                setattr(info, *field)
            yield info, b"x"

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_history, "history.csv is not the file that the run wrote"),
        (drop_history, "history.csv is missing"),
        (insert("more.txt"), r"has 'more.txt', which SHA256SUMS does not name"),
        (insert("../up.txt"), r"has '../up.txt': expected the files of a run alone"),
        (insert("/tmp/up.txt"), r"has '/tmp/up.txt': expected"),
        (insert(".lock"), r"has '.lock': expected"),
        (insert("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), r"has 'link': expected"),
        (insert("run.json"), "is damaged"),
    ],
    ids=["changed", "missing", "more", "above", "absolute", "hidden", "link", "twice"],
)
def test_nothing_else_comes_back(finished, tmp_path, change, message):
    target = tmp_path / "here" / "run"
    with pytest.raises(ArchiveError, match=message):
        unpack(repack(finished, change), target, finished.config)
    assert files(tmp_path / "here") == {}


def test_a_cut_archive_and_another_run_are_refused(finished, tmp_path):
    content, target = pack(finished.path), tmp_path / "here" / "run"
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(content[: len(content) // 2], target, finished.config)
    other = json.loads(json.dumps(finished.config)) | {"seed": 9}
    with pytest.raises(ArchiveError, match="is of another run"):
        unpack(content, target, other)
    assert not target.exists()


def test_a_run_that_is_being_trained_here_is_left_alone(finished, tmp_path):
    target = tmp_path / "here" / "run"
    with claim(target), pytest.raises(Exception, match="is training this run"):
        unpack(pack(finished.path), target, finished.config)
