"""Scores of plugins: computed with the others, shown as columns everywhere, and harmless if they fail."""

import csv
import json
import shutil

import numpy as np
import pytest
from support.paths import SUPPORT
from support.small_models import BYTES, make_model

import zoo
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.benchmarking.text import table_cells
from zoo.benchmarking.verify import verify
from zoo.errors import UnknownNameError
from zoo.registry import catalogue
from zoo.report import write_report
from zoo.score_names import score_at

PLUGIN = str(SUPPORT / "laplace.py")


@pytest.fixture
def metrics(clean_registry):
    catalogue.load_plugin(PLUGIN)


def fail(*arguments):
    raise RuntimeError("no weights\nto be found")


def test_values_are_means_over_images_of_what_the_model_is_compared_with(metrics):
    model = make_model("bernoulli", binarization="threshold")
    scores = zoo.evaluate(model, BYTES)
    targets = (BYTES / 255 >= 0.5).astype("float32")
    assert scores["mae"] == pytest.approx(np.abs(targets - model.reconstruct(BYTES)).mean(), rel=1e-6)
    assert scores["largest_mean"] == pytest.approx(np.abs(model.encode(targets)[0]).max())
    assert scores["metrics"] == {
        "mae": {
            "title": "mean absolute error", "unit": "", "digits": 4, "lower_is_better": True,
            "definition": "mean absolute error of the reconstruction, values in [0, 1]",
        },
        "largest_mean": {
            "title": "largest mean", "unit": "sd", "digits": 3, "lower_is_better": None,
            "definition": "of the posterior",
        },
    }  # fmt: skip
    json.dumps(scores, allow_nan=False)


def test_they_are_chosen_by_name(metrics):
    model = make_model()
    chosen = zoo.evaluate(model, BYTES, metrics=["mae"])
    assert ("mae" in chosen, "largest_mean" in chosen, list(chosen["metrics"])) == (True, False, ["mae"])
    assert {"mae", "metrics"}.isdisjoint(zoo.evaluate(model, BYTES, metrics=[]))
    with pytest.raises(UnknownNameError, match=r"no metric is called 'mea': did you mean 'mae'.*zoo list --metrics"):
        zoo.evaluate(model, BYTES, metrics=["mea"])
    with pytest.raises(TypeError, match="metrics is 'mae': expected a list of names"):
        zoo.evaluate(model, BYTES, metrics="mae")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"function": fail}, "RuntimeError: no weights to be found"),
        ({"function": "absent_module:f"}, "ModuleNotFoundError: No module named 'absent_module'"),
        (
            {"function": lambda images, _: images.mean()},
            r"it returned float32 of shape \(\): expected one number for each",
        ),
        ({"function": lambda images, _: ["a"] * 12}, "it returned <U1 of shape"),
        ({"function": lambda images, _: np.full(12, np.nan)}, "its mean is nan: expected a finite number"),
        (
            {"function": lambda model, images: images[:, 0, 0, 0], "of": "model"},
            r"it returned .* \(12,\): expected one number$",
        ),
    ],
)
def test_one_that_breaks_is_none_with_a_warning_and_breaks_nothing_else(clean_registry, fields, reason):
    zoo.register(zoo.Metric("good", "good", lambda images, _: images.mean(axis=(1, 2, 3))))
    zoo.register(zoo.Metric("bad", "bad", **fields))
    with pytest.warns(UserWarning, match=rf"^the score bad of plugin {__name__}.bad is left out: {reason}"):
        scores = zoo.evaluate(make_model(), BYTES)
    assert scores["bad"] is None
    assert scores["good"] == pytest.approx(BYTES.mean() / 255)
    assert scores["mse"] > 0


def test_one_that_changes_its_arguments_changes_no_other(clean_registry):
    def spoil(images, reconstructions):
        images[:] = 0
        return images.mean(axis=(1, 2, 3))

    for name in ("first", "second"):
        zoo.register(
            zoo.Metric(name, name, spoil if name == "first" else lambda images, _: images.mean(axis=(1, 2, 3)))
        )
    assert zoo.evaluate(make_model(), BYTES)["second"] == pytest.approx(BYTES.mean() / 255)


def test_a_models_own_score_of_the_name_goes_before(clean_registry):
    zoo.register(zoo.Metric("sharpness", "sharpness", fail))

    model = make_model()
    model.extra_scores = lambda: {"sharpness": 2.0}
    scores = zoo.evaluate(model, BYTES)
    assert (scores["sharpness"], "metrics" in scores) == (2.0, False)


@pytest.mark.slow
def test_they_are_columns_everywhere(metrics, tiny, few_pictures, tmp_path, command, monkeypatch):
    catalogue.load_plugin(PLUGIN)
    run = zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, progress=False)
    record = json.loads((run.path / "run.json").read_text())
    assert record["scores"]["mae"] == run.scores["mae"] > 0
    assert verify(run.path)[0].status == "verified"
    # From here on the plugin is absent: what runs record is enough.
    monkeypatch.setattr(catalogue, "_registered", {})
    zoo.refresh()
    assert not catalogue.metrics()
    Leaderboard.from_runs([run], tmp_path).save()
    board = Leaderboard.from_runs([run], tmp_path)
    cells = dict(zip(*table_cells(board.tables[0]), strict=True))
    assert cells["mean absolute error"] == f"{run.scores['mae']:.4f}"
    assert cells["largest mean sd"] == f"{run.scores['largest_mean']:.3f}"
    (row,) = csv.DictReader((tmp_path / "leaderboard.csv").read_text().splitlines())
    assert float(row["mae"]) == run.scores["mae"]
    assert "mean absolute error" in (tmp_path / "leaderboard.md").read_text()
    stored = json.loads((tmp_path / "leaderboard.json").read_text())["tables"][0]
    assert stored["metrics"] == record["scores"]["metrics"]
    assert stored["rows"][0]["mae"]["mean"] == run.scores["mae"]
    verdict, of_board = verify(tmp_path)
    assert (of_board.status, of_board.findings) == ("verified", ())
    assert (verdict.status, verdict.findings[0]) == (
        "unchecked", "the score mae cannot be recomputed: no plugin provides it",
    )  # fmt: skip
    printed = command("compare", run.path, run.path).stdout
    assert "mean absolute error" in printed
    assert "definition" not in printed
    assert zoo.compare(run, run)["difference"]["mae"] == 0
    write_report(tmp_path, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count("mean absolute error") >= 2
    assert "mean absolute error of the reconstruction, values in [0, 1]; lower is better" in page


def test_evaluating_prints_titles_and_units(metrics, command, tiny, few_pictures, tmp_path):
    run = zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, progress=False)
    lines = [line.split() for line in command("evaluate", run.path).stdout.splitlines()]
    assert ["mean", "absolute", "error", f"{run.scores['mae']:.4f}"] in lines
    assert ["largest", "mean", f"{run.scores['largest_mean']:.3f}", "sd"] in lines


def test_boards_without_them_are_as_before(clean_registry, tiny, few_pictures, tmp_path):
    run = zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, progress=False)
    assert "metrics" not in run.scores
    assert "metrics" not in Leaderboard.from_runs([run], tmp_path).tables[0].to_dict()


@pytest.mark.parametrize("found", [{}, {"mae": None}, {"mae": {"title": 3, "digits": -1, "lower_is_better": 1}}, [1]])
def test_descriptions_that_are_damaged_get_defaults(found):
    score = score_at("mae", result={"metrics": found})
    assert (score.title, score.unit, score.lower_is_better) == ("mae", "", None)
    assert score.show(0.5) in ("0.500", "0.50")


def test_a_run_of_several_metrics_has_the_columns_of_all(metrics, tiny, few_pictures, tmp_path):
    first = zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, progress=False)
    second = shutil.copytree(first.path, tmp_path / "other")
    record = json.loads((second / "run.json").read_text())
    record["config"]["seed"] = 1
    for name in ("mae", "metrics"):
        del record["scores"][name]
    (second / "run.json").write_text(json.dumps(record))
    (table,) = Leaderboard.from_runs([first, zoo.Run(second)], tmp_path).tables
    assert set(table.metrics) == {"mae", "largest_mean"}
    assert table.rows[0].scores["mae"] is None  # A mean over runs of which one lacks it would be of the others alone.
