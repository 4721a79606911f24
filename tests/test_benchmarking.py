import json

import numpy as np
import pytest
from scipy import stats

import zoo
from zoo.benchmarking.intervals import summarise
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.errors import UnknownNameError
from zoo.training import Run

PRESETS = ["tiny_cnn/tiny", "small_cnn/tiny", "raises/tiny", "explodes/tiny"]


@pytest.fixture
def tiny(install):
    install("tiny-digits", {"tiny_digits": "tiny_digits"})


@pytest.fixture
def leaderboard(tiny, tmp_path):
    return zoo.benchmark(PRESETS, seeds=2, epochs=3, full=True, out=tmp_path / "bench", progress=False)


def test_benchmark(leaderboard, tmp_path):
    folder = tmp_path / "bench"
    stored = json.loads((folder / "leaderboard.json").read_text())
    assert stored == json.loads(json.dumps(leaderboard.to_dict()))
    (table,) = stored["tables"]
    assert table["dataset"] == "tiny"
    assert table["part"] == "test"
    assert table["epochs"] == 3
    assert table["sha256"] == zoo.load_dataset("tiny").test.sha256
    rows = {row["preset"]: row for row in table["rows"]}
    assert set(rows) == {"tiny_cnn/tiny", "small_cnn/tiny"}
    for row in rows.values():
        scores = [Run(folder / path).scores["negative_elbo"] for path in row["runs"]]
        assert row["negative_elbo"]["mean"] == pytest.approx(np.mean(scores))
        assert row["seeds"] == [0, 1]
    means = [row["negative_elbo"]["mean"] for row in table["rows"]]
    assert means == sorted(means)
    # The failed ones are rows that say why, and the others went on.
    errors = {(row["preset"], row["seed"]): row["error"] for row in stored["failed"]}
    assert set(errors) == {(preset, seed) for preset in ("raises/tiny", "explodes/tiny") for seed in (0, 1)}
    assert "this decoder cannot be built" in errors["raises/tiny", 0]
    assert "the loss became nan" in errors["explodes/tiny", 1]
    assert (folder / "reconstructions.png").stat().st_size > 10_000
    text = (folder / "leaderboard.md").read_text()
    assert "| tiny_cnn " in text
    assert "±" in text
    assert "- raises/tiny, seed 0: " in text
    check_finished_runs_are_kept(folder)


def check_finished_runs_are_kept(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("run.json")}
    zoo.benchmark(["tiny_cnn/tiny"], seeds=2, epochs=3, full=True, out=folder, progress=False)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("run.json")} == before


def test_run_that_did_not_finish_is_trained_anew(tiny, tmp_path, caplog):
    (row,) = zoo.benchmark(["tiny_cnn/tiny"], epochs=1, full=True, out=tmp_path, progress=False).tables[0]["rows"]
    run = Run(tmp_path / row["runs"][0])
    run.save(run.record | {"status": "running"})
    with caplog.at_level("WARNING", "zoo"):
        zoo.benchmark(["tiny_cnn/tiny"], epochs=1, full=True, out=tmp_path, progress=False)
    assert Run(run.path).status == "finished"
    assert "running before, trained anew" in caplog.text


def test_one_seed_has_no_interval(tiny, tmp_path):
    board = zoo.benchmark(["tiny_cnn/tiny"], epochs=1, full=True, out=tmp_path, progress=False)
    (row,) = board.tables[0]["rows"]
    assert row["negative_elbo"]["low"] is None
    assert "one seed, so no interval" in board.to_markdown()
    assert "±" not in board.to_markdown().split("one seed")[0]


def test_runs_that_must_not_be_compared_stand_in_separate_tables(tiny, tmp_path):
    for overrides in ({}, {"epochs": 2}, {"likelihood": "bernoulli"}, {"likelihood": "mse"}):
        zoo.train("tiny_cnn/tiny", out=tmp_path, progress=False, **{"epochs": 1, **overrides})
    runs = [Run(file.parent) for file in tmp_path.rglob("run.json")]
    board = Leaderboard.from_runs(runs, tmp_path)
    assert len(board.tables) == 4
    text = board.to_markdown()
    assert "cross-entropy" in text
    assert "tiny: discretized_logistic, 2 epochs" in text


def test_unknown_name_stops_before_the_first_training(tiny, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'tiny_cnn/tiny'"):
        zoo.benchmark(["tiny_cnn/tiny", "tiny_cnn/tinny"], full=True, out=tmp_path / "bench")
    assert not (tmp_path / "bench").exists()
    with pytest.raises(ValueError, match="got 1 presets and 0 seeds"):
        zoo.benchmark(["tiny_cnn/tiny"], seeds=0, full=True, out=tmp_path)


def test_default_set_is_that_of_the_registry():
    from zoo.registry import benchmark_presets

    assert set(benchmark_presets()) == {
        f"{architecture}/{dataset}"
        for architecture in ("small_cnn", "deep_cnn", "residual")
        for dataset in ("mnist", "cifar10")
    }


@pytest.mark.parametrize("count", [2, 3, 10])
def test_interval_is_students(count):
    values = list(np.random.default_rng(count).normal(100, 3, count))
    summary = summarise(values)
    low, high = stats.t.interval(0.95, count - 1, np.mean(values), stats.sem(values))
    assert summary == {
        "mean": pytest.approx(np.mean(values)), "low": pytest.approx(low), "high": pytest.approx(high), "n": count,
    }  # fmt: skip
