"""What comes from elsewhere, as the commands show it: every character can be seen, and no folder is read for it."""

import json
import os
import shutil
import sys

import numpy as np
import pytest
from PIL import Image
from support.paths import ROOT

import zoo
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.benchmarking.table import FailedRun
from zoo.cli.printing import tell
from zoo.data.load import load_recorded_dataset
from zoo.errors import DatasetError
from zoo.training.reasons import explain

STORED = ROOT / "docs" / "leaderboard" / "small_cnn"
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b1m\N{RIGHT-TO-LEFT OVERRIDE}\ud800|\n# head"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no such files there")


@pytest.fixture
def runs(tmp_path):
    """Two runs, one of them with strange texts in a folder with a strange name."""
    good, odd = (next(STORED.glob(f"mnist/seed{seed}-*")) for seed in (0, 1))
    without_models = shutil.ignore_patterns("model.keras")
    shutil.copytree(good, tmp_path / "runs" / "good", ignore=without_models)
    folder = shutil.copytree(odd, tmp_path / "runs" / os.fsdecode(b"\x1b[2J\xff"), ignore=without_models)
    record = json.loads((folder / "run.json").read_text())
    record["config"]["options"][EVIL] = EVIL
    record["provenance"]["platform"] = EVIL
    (folder / "run.json").write_text(json.dumps(record))
    failed = shutil.copytree(odd, tmp_path / "runs" / "failed", ignore=without_models)
    record |= {"status": "failed", "error": EVIL + "x" * 10_000_000, "scores": None}
    (failed / "run.json").write_text(json.dumps(record))
    return tmp_path / "runs"


def check_plain(text):
    assert text.replace("\n", "").isprintable()
    text.encode("utf-8")


@POSIX
def test_commands_show_every_character(command, runs):
    odd, name = runs / os.fsdecode(b"\x1b[2J\xff"), r"\x1b[2J\xff"
    for arguments in (("report", runs), ("verify", runs), ("verify", runs, "--json"), ("compare", runs / "good", odd)):
        result = command(*arguments)
        check_plain(result.stdout)
        check_plain(result.stderr)
        assert len(result.output) < 50_000
        assert arguments[0] == "report" or name in result.stderr
    page = (runs / "report.html").read_text(encoding="utf-8")
    check_plain(page.replace("\t", ""))
    assert name in page
    assert "%1B%5B2J%FF" in page
    assert r"\x1b]0;owned\x07\x1b[2J\x9b1m\u202e\ud800|" in page
    assert "2 runs" in page


def test_leaderboards_show_every_character_on_one_line(runs, tmp_path):
    board = Leaderboard.from_runs([zoo.Run(path) for path in runs.iterdir()], tmp_path, [FailedRun(EVIL, 1, EVIL)])
    board.save()
    for text in (board.to_markdown(), board.to_csv(), repr(board)):
        check_plain(text)
        assert "\n# head" not in text
    written = (tmp_path / "leaderboard.md").read_text(encoding="utf-8")
    assert r"\x1b]0;owned\x07" in written
    assert max(map(len, written.splitlines())) < 2000
    rows = [line for line in written.splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in rows}) == 1
    assert (tmp_path / "leaderboard.json").stat().st_size < 50_000


def test_an_endless_error_is_cut():
    reason = explain(ValueError("begin\n" + "\x1b[1mx" * 2_000_000), None, None, [])
    assert reason.startswith("ValueError: begin\n")
    assert len(reason) <= 4000
    check_plain(reason)


def test_messages_are_one_line(capsys):
    tell("\x1b[1mKeras\x1b[0m says:\n\n   no\x1b[2J  image\r\n")
    assert capsys.readouterr().err == "zoo: Keras says: no\\x1b[2J  image\n"


def test_texts_of_plugins(command, clean_registry, add):
    add("odd", source="\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}")
    result = command("show", "odd")
    check_plain(result.output)
    assert r"\x1b[2J\u202e" in result.output


@POSIX
def test_results_that_are_no_files(command, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, kind in (("/dev/zero", "a device"), (tmp_path / "pipe", "a pipe")):
        result = command("compare", path, path)
        assert result.exit_code == 2
        assert result.stderr == f"zoo: {path}: cannot be read: it is {kind}: expected a regular file\n"


@pytest.fixture
def photos(clean_registry, monkeypatch, tmp_path):
    """A folder of images below the current one."""
    (tmp_path / "photos").mkdir()
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), "uint8")
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


REFUSED = "is not read because a file says so: pass this folder, if it is yours, as the folder of the data"


def test_a_folder_is_read_only_where_the_user_says_so(photos):
    name = f"folder:{photos}@8x8x3"
    for data_dir in (photos, photos.parent, "photos", "."):
        assert load_recorded_dataset(name, data_dir=data_dir).image_shape == (8, 8, 3)
    (photos / "inner").mkdir()
    (photos / "inner" / "way out").symlink_to(photos.parent)
    outside = f"folder:{photos / 'inner' / 'way out' / 'photos'}@8x8x3"
    for recorded, data_dir in (
        (name, None),
        (name, photos / "inner"),
        ("folder:/", photos),
        (outside, photos / "inner"),
    ):
        with pytest.raises(DatasetError, match=REFUSED):
            load_recorded_dataset(recorded, data_dir=data_dir)
    assert load_recorded_dataset("mnist_sample").name == "mnist_sample"


@pytest.mark.slow
def test_a_run_folder_does_not_choose_what_is_read(photos, command):
    run = zoo.train("small_cnn/folder:photos@8x8x3", epochs=1, filters=[4], progress=False)
    for arguments, verdict in (
        ((), "1 unchecked"),
        (("--data-dir", "."), "1 verified"),
        (("--data-dir", run.path), None),
    ):
        result = command("verify", run.path, *arguments)
        assert (REFUSED in result.stdout) == (verdict != "1 verified")
        assert (verdict or "1 unchecked") in result.stdout
    for arguments, read in (((), False), (("--data-dir", "photos"), True)):
        command("report", run.path, *arguments)
        page = (run.path / "report.html").read_text(encoding="utf-8")
        assert (REFUSED in page) != read
        assert ("Test images as the model receives them" in page) == read
