import json

import numpy as np
import pytest
from scipy import stats

import zoo
from zoo.benchmarking.intervals import Summary, summarise
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.errors import UnknownNameError
from zoo.training import Run

FAILING = ["raises/tiny", "exits/tiny"]
PRESETS = ["tiny_cnn/tiny", *FAILING, "small_cnn/tiny"]


@pytest.fixture
def leaderboard(tiny, tmp_path):
    return zoo.benchmark(PRESETS, seeds=2, epochs=3, full=True, out=tmp_path / "bench", progress=False)


@pytest.mark.slow
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
    assert set(errors) == {(preset, seed) for preset in FAILING for seed in (0, 1)}
    assert "this decoder cannot be built" in errors["raises/tiny", 0]
    assert "usage: bye" in errors["exits/tiny", 0]
    assert (folder / "reconstructions.png").stat().st_size > 10_000
    text = (folder / "leaderboard.md").read_text()
    assert "| tiny_cnn " in text
    assert "±" in text
    assert "- raises/tiny, seed 0, epochs=3: " in text
    check_finished_runs_are_kept(folder)


def check_finished_runs_are_kept(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("run.json")}
    zoo.benchmark(["tiny_cnn/tiny"], seeds=2, epochs=3, full=True, out=folder, progress=False)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("run.json")} == before


@pytest.mark.slow
def test_run_that_did_not_finish_is_trained_anew(tiny, tmp_path, caplog):
    (row,) = zoo.benchmark(["tiny_cnn/tiny"], epochs=1, full=True, out=tmp_path, progress=False).tables[0].rows
    run = Run(tmp_path / row.runs[0])
    run.save(run.record | {"status": "running"})
    with caplog.at_level("WARNING", "zoo"):
        zoo.benchmark(["tiny_cnn/tiny"], epochs=1, full=True, out=tmp_path, progress=False)
    assert Run(run.path).status == "finished"
    messages = [record.getMessage() for record in caplog.records if "training from scratch" in record.getMessage()]
    assert len(messages) == 1
    assert "running, training from scratch" in messages[0]


@pytest.mark.slow
def test_run_of_other_code_is_trained_anew(clean_registry, tiny, tmp_path, caplog):
    from zoo.plugins.small_cnn import model

    def define(width):
        class Mine:
            build_encoder = staticmethod(lambda image_shape, latent_shape: model.build_encoder(image_shape, (2,), [2]))
            build_decoder = staticmethod(
                lambda latent_shape, output_shape: model.build_decoder((2,), output_shape, [width])
            )

        zoo.register("mine", defaults={"latent_dim": 2})(Mine)
        return zoo.benchmark("mine/tiny", epochs=1, full=True, out=tmp_path, progress=False).tables[0].rows[0]

    first = define(2)
    with caplog.at_level("WARNING", "zoo"):
        second = define(3)
    assert second.cost.parameters > first.cost.parameters
    assert "the code has changed since, training from scratch" in caplog.text


@pytest.mark.slow
def test_plugin_of_the_default_set_that_is_missing_is_a_row(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.registry.catalogue.benchmark_presets", lambda: ["absent/tiny", "tiny_cnn/tiny"])
    board = zoo.benchmark(epochs=1, full=True, out=tmp_path, progress=False)
    assert [row.preset for row in board.tables[0].rows] == ["tiny_cnn/tiny"]
    assert board.failed[0].preset == "absent/tiny"
    assert "no architecture is called 'absent'" in board.failed[0].error


@pytest.mark.slow
def test_other_settings_are_another_row(tiny, tmp_path):
    for learning_rate in (0.001, 0.01):
        zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, learning_rate=learning_rate, progress=False)
    runs = [Run(file.parent) for file in tmp_path.rglob("run.json")]
    (table,) = Leaderboard.from_runs(runs, tmp_path).tables
    assert {row.model for row in table.rows} == {"tiny_cnn learning_rate=0.001", "tiny_cnn learning_rate=0.01"}
    assert [row.seeds for row in table.rows] == [(0,), (0,)]


@pytest.mark.slow
def test_one_seed_has_no_interval(tiny, tmp_path):
    board = zoo.benchmark(["tiny_cnn/tiny"], epochs=1, full=True, out=tmp_path, progress=False)
    (row,) = board.tables[0].rows
    assert row.scores["negative_elbo"].low is None
    assert "one seed, so no interval" in board.to_markdown()
    assert "±" not in board.to_markdown().split("one seed")[0]


@pytest.mark.slow
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
    from zoo.registry.catalogue import benchmark_presets

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
    approx = pytest.approx
    assert summary == Summary(mean=approx(np.mean(values)), low=approx(low), high=approx(high), n=count)
