"""The table of scores is whole, and an entry in it is all that a new score needs to be shown."""

import dataclasses
import json
from importlib.resources import files

import pytest

import zoo
from zoo import score_names
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.benchmarking.text import table_cells
from zoo.evaluation.comparison import FACTS
from zoo.report.tables import make_table
from zoo.score import InTable, Score
from zoo.score_names import SCORES, main_score, score_at, table_scores

SCHEMA = json.loads((files("zoo.runs") / "run.schema.json").read_text())
# What a result holds beside numbers that are shown.
NOT_SHOWN = {keys for keys, _ in FACTS.values()} | {("iwae", "images"), ("kl_per_latent",), ("cost", "parameters")}


@pytest.fixture
def run(tiny, few_pictures, tmp_path):
    return zoo.train("tiny_cnn/tiny", epochs=1, out=tmp_path, progress=False)


def leaves(tree, above=()):
    for key, value in tree.items():
        yield from leaves(value, (*above, key)) if isinstance(value, dict) else [(*above, key)]


def test_every_number_of_a_result_has_an_entry(run):
    scores = zoo.evaluate(run.model, zoo.load_dataset("tiny").test, importance_samples=2)
    assert {*leaves({**scores, "cost": run.cost})} - NOT_SHOWN == {score.path for score in SCORES}


def test_the_schema_has_the_scores_and_the_costs():
    scores, cost = SCHEMA["properties"]["scores"], SCHEMA["properties"]["cost"]["properties"]
    # Those that every run has are required; runs from before a score was added lack it.
    known = {*scores["required"], *scores["properties"]}
    assert {score.path[0] for score in SCORES if score.path[0] != "cost"} <= known
    assert {score.path[1] for score in SCORES if score.path[0] == "cost"} <= set(cost)


def test_entries_are_complete():
    assert len({score.path for score in SCORES}) == len({score.title for score in SCORES}) == len(SCORES)
    assert len({score.heading for score in table_scores()}) == len(table_scores())
    for score in SCORES:
        assert score.title
        assert score.definition
        assert "\n" not in score.definition
    assert [score.key for score in table_scores() if score.in_table.orders] == ["negative_elbo", "cross_entropy", "mse"]


def test_values_are_shown_with_their_digits_and_in_their_unit():
    flops, bits = score_at("cost", "flops", "encoder"), score_at("bits_per_dim")
    assert (flops.show(12_345_678), flops.show(0, "+"), flops.unit) == ("12.35", "+0.00", "MFLOPs/image")
    assert (bits.show(1.23456), bits.show(-1.0, "+")) == ("1.235", "-1.000")
    assert score_at("parameters").show(1234, "+") == "+1,234"


@pytest.mark.parametrize(
    ("name", "title", "unit"),
    [
        ("code_rate_bits", "code rate", "bits/image"),
        ("noise_db", "noise", "dB"),
        ("prior_gap_nats", "prior gap", "nats/image"),
        ("code_perplexity", "code perplexity", ""),
        ("bits", "bits", ""),
    ],
)
def test_a_score_of_a_kind_of_model_says_its_unit_in_its_name(name, title, unit):
    assert (score_at(name).title, score_at(name).unit) == (title, unit)


def test_the_main_score_is_the_first_that_all_have():
    grey = {"negative_elbo": None, "cross_entropy": 3.0, "mse": 0.1}
    assert main_score([grey]).key == "cross_entropy"
    assert main_score([grey, {"negative_elbo": 2.0, "mse": 0.1}]).key == "mse"
    with pytest.raises(ValueError, match="no score"):
        main_score([{}])


def test_a_new_score_needs_no_more_than_an_entry(run, command, monkeypatch, tmp_path):
    sharpness = Score(
        ("sharpness",), "sharpness of edges", "px", "how wide edges are", digits=3, lower_is_better=False,
        in_table=InTable(8, digits=2, name="sharpness"),
    )  # fmt: skip
    run.save(dataclasses.replace(run.content, scores={**run.scores, "sharpness": 1.23456}))
    run.save_checksums()
    for module in ("zoo.score_names", "zoo.cli.printing", "zoo.evaluation.comparison"):
        monkeypatch.setattr(f"{module}.SCORES", (*SCORES, sharpness))
    monkeypatch.setitem(score_names._BY_PATH, sharpness.path, sharpness)
    board = Leaderboard.from_runs([run], tmp_path)
    board.save()
    (table,) = board.tables
    cells = dict(zip(*table_cells(table), strict=True))
    assert cells["sharpness px"] == "1.23"
    assert "sharpness px" in (tmp_path / "leaderboard.md").read_text()
    assert "sharpness_low" in (tmp_path / "leaderboard.csv").read_text()
    assert json.loads((tmp_path / "leaderboard.json").read_text())["tables"][0]["rows"][0]["sharpness"]["n"] == 1
    columns, _ = make_table(table)
    assert [it.hint for it in columns if it.name == "sharpness"] == ["how wide edges are; higher is better"]
    printed = command("compare", run.path, run.path).stdout
    assert [line.split() for line in printed.splitlines() if line.startswith("sharpness")] == [
        ["sharpness", "of", "edges", "1.235", "1.235", "+0.000", "px"]
    ]
