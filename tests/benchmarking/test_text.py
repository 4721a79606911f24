"""A leaderboard as comma-separated values."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from support.paths import ROOT

from zoo.benchmarking.intervals import summarise
from zoo.benchmarking.table import Row, Table
from zoo.benchmarking.text import explain_table, to_csv
from zoo.score_names import table_scores

BOARD = json.loads((ROOT / "docs" / "leaderboard" / "leaderboard.json").read_text())
TABLES = [Table.from_dict(table) for table in BOARD["tables"]]


def read(tables):
    return list(csv.DictReader(io.StringIO(to_csv(tables))))


def test_every_row_of_every_table_with_its_numbers():
    rows = read(TABLES)
    expected = [(table, row) for table in TABLES for row in table.rows]
    assert len(rows) == len(expected)
    for found, (table, row) in zip(rows, expected, strict=True):
        assert (found["dataset"], found["model"], int(found["rank"])) == (table.dataset, row.model, row.rank)
        assert float(found["negative_elbo"]) == row.scores["negative_elbo"].mean
        assert float(found["validation_low"]) == row.validation.low
        assert float(found["decode_ms"]) == row.cost.decode_ms["1"]
        assert float(found["mflops"]) == pytest.approx(sum(row.cost.flops.values()) / 1e6)
        assert int(found["parameters"]) == row.cost.parameters


def test_all_columns_of_the_tables_are_there():
    columns = set(read(TABLES)[0])
    for score in table_scores():
        assert {score.key, score.path[-1], score.path[-2] if len(score.path) > 1 else None} & columns


def test_standard_deviations_are_those_of_the_seeds():
    values = [3.0, 5.0, 10.0]
    summary = summarise(values)
    assert summary.std == pytest.approx(np.std(values, ddof=1))
    row = TABLES[0].rows[0]
    changed = dataclasses.replace(row, scores={**row.scores, "psnr": summary, "ssim": summarise([1.0])})
    (found,) = read([dataclasses.replace(TABLES[0], rows=(changed,))])
    assert float(found["psnr_std"]) == pytest.approx(np.std(values, ddof=1))
    assert (found["ssim"], found["ssim_std"], found["ssim_high"]) == ("1.0", "", "")


def test_settings_that_vary_have_columns():
    first, second, *_ = TABLES[0].rows
    rows = (
        dataclasses.replace(first, settings={"latent_dim": 8, "epochs": 3}),
        dataclasses.replace(second, settings={"filters": [4, 8]}),
    )
    found = read([dataclasses.replace(TABLES[0], rows=rows), *TABLES[1:]])
    assert [row["latent_dim"] for row in found][:3] == ["8", "", ""]
    assert [row["filters"] for row in found][:3] == ["", "[4, 8]", ""]
    assert found[0]["epochs"] == str(TABLES[0].epochs)
    plain = rows[0].to_dict()
    assert plain["settings"] == {"latent_dim": 8, "epochs": 3}
    assert Row.from_dict(plain) == rows[0]
    assert "settings" not in first.to_dict()


def test_what_is_given_labels_is_said():
    table = TABLES[0]
    assert "p(x|y)" not in explain_table(table)
    rows = dataclasses.replace(table.rows[0], model="labelled", conditional=True), *table.rows[1:]
    again = Table.from_dict(json.loads(json.dumps(dataclasses.replace(table, rows=rows).to_dict())))
    assert "labelled: all scores are given the labels, of p(x|y)" in explain_table(again)
