"""Leaderboards as dataclasses: the same as their JSON, files from before there were ranks included."""

import json

import pytest
from support.paths import ROOT

from zoo.benchmarking.columns import Role, make_columns
from zoo.benchmarking.intervals import Summary
from zoo.benchmarking.table import FailedRun, Row, Table
from zoo.errors import RunError

BOARD = json.loads((ROOT / "docs" / "leaderboard" / "leaderboard.json").read_text())
BEFORE = json.loads((ROOT / "docs" / "benchmark.json").read_text())


@pytest.mark.parametrize("number", range(len(BOARD["tables"])))
def test_what_is_stored_is_read_and_given_back(number):
    stored = BOARD["tables"][number]
    plain = json.loads(json.dumps(Table.from_dict(stored).to_dict()))
    assert plain == stored
    assert list(plain["rows"][0]) == list(stored["rows"][0])


def test_files_from_before_there_were_ranks():
    table = Table.from_dict(BEFORE["tables"][0])
    row = table.rows[0]
    assert (row.rank, row.difference, row.baseline) == (None, None, None)
    assert row.scores["negative_elbo"].mean == BEFORE["tables"][0]["rows"][0]["negative_elbo"]["mean"]
    assert {Role.RANK, Role.DIFFERENCE}.isdisjoint(column.role for column in make_columns(table))


def test_a_wrong_field_is_named():
    stored = BOARD["tables"][0]["rows"][0]
    with pytest.raises(RunError, match=r"^scores.psnr is 3: expected a mapping"):
        Row.from_dict({**stored, "psnr": 3})
    with pytest.raises(RunError, match=r"^seeds is None: expected a list"):
        Row.from_dict({**stored, "seeds": None})
    with pytest.raises(RunError, match=r"^images is missing"):
        Table.from_dict({name: value for name, value in BOARD["tables"][0].items() if name != "images"})


def test_columns_round_sign_and_leave_out():
    table = Table.from_dict(BOARD["tables"][0])
    columns = {column.heading: column for column in make_columns(table)}
    best, other = table.rows[0], table.rows[1]
    elbo, difference = columns["-ELBO"], columns["Δ -ELBO"]
    assert elbo.role is Role.MAIN
    cell = elbo.cell(best)
    assert (cell.text, cell.half) == (f"{cell.value:,.1f}", f"{best.scores['negative_elbo'].half:,.1f}")
    assert str(difference.cell(best)) == "-"
    assert difference.cell(best).value is None
    assert difference.cell(other).text.startswith("+")
    assert str(columns["MFLOPs"].cell(best)) == f"{sum(best.cost.flops.values()) / 1e6:,.1f}"
    assert "cross-entropy" not in columns
    assert Summary(3.0, None, None, 1).half is None


def test_failed_runs():
    plain = {"preset": "a/b", "seed": 1, "settings": {"latent_dim": 2}, "error": "why"}
    assert FailedRun.from_dict(plain).to_dict() == plain
    assert FailedRun.from_dict(plain).label == "a/b, seed 1, latent_dim=2"
    assert FailedRun("a/b", 1, "why").to_dict() == {"preset": "a/b", "seed": 1, "error": "why"}
