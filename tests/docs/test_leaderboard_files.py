"""The project's own leaderboard: whole, of the runs that it names, and what their stored models give."""

import json
import os
import shutil

import pytest
from support.paths import ROOT

import zoo
from zoo.benchmarking.verify import verify

FOLDER = ROOT / "docs" / "leaderboard"
LEFT_OUT = {"ladder", "fsq_cnn"}  # One takes an hour for a seed, the other came later.
NO_MODEL = "model.keras is missing: the scores cannot be recomputed"


@pytest.fixture(scope="module")
def tables():
    return json.loads((FOLDER / "leaderboard.json").read_text())["tables"]


def test_it_has_every_architecture_on_every_dataset_with_three_seeds(tables):
    found = {(table["dataset"], table["binarization"]): table for table in tables}
    assert set(found) == {("mnist", "none"), ("mnist", "dynamic"), ("cifar10", "none")}
    for table in tables:
        assert {row["preset"].split("/")[0] for row in table["rows"]} == set(zoo.list_models()) - LEFT_OUT
        assert all(row["seeds"] == [0, 1, 2] for row in table["rows"])
        assert (table["part"], table["epochs"], table["images"]) == ("test", 3, 10_000)


def test_training_takes_less_than_ninety_minutes_of_two_cores(tables):
    assert sum(row["train_seconds"] * len(row["seeds"]) for table in tables for row in table["rows"]) / 2 < 90 * 60


def test_its_files_are_unchanged_and_its_tables_those_of_its_runs(tmp_path):
    copy = shutil.copytree(FOLDER, tmp_path / "copy")
    for file in copy.rglob("model.keras"):
        assert file.stat().st_size <= 1_500_000
        # Scoring them again takes minutes and the full datasets: see below.
        lines = (file.parent / "SHA256SUMS").read_text().splitlines()
        file.unlink()
        assert any(line.endswith("  model.keras") for line in lines)
    verdicts = {verdict.path: verdict for verdict in verify(copy)}
    assert verdicts.pop(copy / "leaderboard.json").status == "verified"
    assert len(verdicts) == 36
    assert all(verdict.findings == (NO_MODEL,) for verdict in verdicts.values()), verdicts
    assert sum(file.stat().st_size for file in FOLDER.rglob("model.keras")) <= 15_000_000


@pytest.mark.slow
@pytest.mark.skipif("ZOO_DATA" not in os.environ, reason="needs the full datasets in ZOO_DATA")
def test_stored_models_give_their_scores():
    verdicts = verify(FOLDER)
    checked = [verdict for verdict in verdicts if verdict.findings != (NO_MODEL,)]
    assert len(checked) == 1 + len(list(FOLDER.rglob("model.keras")))
    assert all(verdict.status == "verified" for verdict in checked), checked
