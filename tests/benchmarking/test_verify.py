"""``zoo verify`` finds what was changed after a run, and says what it cannot check."""

import json
import shutil

import pytest
from click.testing import CliRunner

import zoo
from zoo.benchmarking.verify import verify
from zoo.cli import main
from zoo.errors import RunError
from zoo.training import Run


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A place for the runs, which the tests of this file share."""
    return tmp_path_factory.mktemp("kept") / "runs"


@pytest.fixture
def board(tiny, few_pictures, kept, tmp_path):
    """Two runs in a folder with their leaderboard; a copy of its own for each test."""
    if not kept.exists():
        for seed in (0, 1):
            zoo.train("tiny_cnn/tiny", epochs=1, seed=seed, out=kept, progress=False)
    folder = tmp_path / "runs"
    shutil.copytree(kept, folder)
    runs = [Run(file.parent) for file in sorted(folder.rglob("run.json"))]
    zoo.Leaderboard.from_runs(runs, folder).save()
    return folder, runs


def statuses(folder, **options):
    return [verdict.status for verdict in verify(folder, **options)]


def rewrite(run, change):
    """Change ``run.json`` and the checksums with it, as somebody who knows of them would."""
    record = json.loads((run.path / "run.json").read_text())
    change(record)
    run.save(record)
    run.save_checksums()


def test_what_nobody_touched_is_verified(board):
    folder, _ = board
    found = verify(folder)
    assert [verdict.status for verdict in found] == ["verified"] * 3
    assert max(verdict.drift for verdict in found[:2]) < 1e-6


@pytest.mark.parametrize(("by", "status"), [(1e-14, "verified"), (1e-6, "failed")])
def test_a_leaderboard_may_be_rounded_in_another_way(board, by, status):
    """Python 3.12 sums floats in another way, other versions of SciPy make other intervals in the last digits."""
    folder, _ = board
    file = folder / "leaderboard.json"
    content = json.loads(file.read_text())
    (row,) = content["tables"][0]["rows"]
    for bound in ("low", "high"):
        row["negative_elbo"][bound] *= 1 + by
    row["train_seconds"] *= 1 - by
    file.write_text(json.dumps(content))
    assert statuses(folder)[2] == status


def test_a_digit_of_a_score(board):
    folder, (run, _) = board
    text = (run.path / "run.json").read_text()
    score = str(run.scores["negative_elbo"])
    whole, point, rest = score.partition(".")
    (run.path / "run.json").write_text(text.replace(score, f"{whole}{point}{(int(rest[0]) + 1) % 10}{rest[1:]}"))
    first, second, table = verify(folder)
    assert (first.status, second.status) == ("failed", "verified")
    assert "run.json is not the file that the run wrote (SHA256SUMS)" in first.findings[0]
    assert table.status == "failed"
    assert table.findings == ("the table of tiny does not match its runs",)


def test_a_score_that_is_changed_with_its_checksum(board):
    _, (run, _) = board
    rewrite(run, lambda record: record["scores"].update(psnr=record["scores"]["psnr"] + 0.1))
    first = verify(run.path)[0]
    assert first.status == "failed"
    assert first.findings[0].startswith("psnr is ")
    assert "when scored again" in first.findings[0]
    assert statuses(run.path, tolerance=0.5) == ["verified"]


def test_a_score_that_is_newer_than_a_record(board):
    _, (run, _) = board
    rewrite(run, lambda record: record["scores"].pop("kl_per_latent"))
    assert statuses(run.path) == ["verified"]


@pytest.mark.parametrize("sums", [False, True])
def test_a_swapped_model(board, sums):
    folder, (first, second) = board
    shutil.copy(second.path / "model.keras", first.path / "model.keras")
    if sums:
        first.save_checksums()
    found = verify(folder)[0]
    assert found.status == "failed"
    expected = "negative_elbo is " if sums else "model.keras is not the file that the run wrote"
    assert any(expected in finding for finding in found.findings)


def test_a_deleted_run(board):
    folder, (run, _) = board
    shutil.rmtree(run.path)
    _, table = verify(folder)
    assert table.status == "failed"
    assert table.findings == (f"the run {run.path} is missing",)


def test_a_model_that_is_left_out_is_said_to_be_unchecked(board):
    folder, (run, _) = board
    (run.path / "model.keras").unlink()
    first, *_ = found = verify(folder)
    assert [verdict.status for verdict in found] == ["unchecked", "verified", "verified"]
    assert "model.keras is missing" in first.findings[0]


def test_a_run_that_did_not_finish(board):
    _, (run, _) = board
    rewrite(run, lambda record: record.update(status="failed", scores=None, error="why"))
    assert verify(run.path)[0].findings == ("the run is failed, so it has no scores",)


def test_command(board):
    folder, (run, _) = board
    done = CliRunner().invoke(main, ["verify", str(folder)])
    assert done.exit_code == 0, done.output
    assert "3 verified; relative tolerance for scores: 0.0001" in done.stdout
    (run.path / "history.csv").write_text("")
    done = CliRunner().invoke(main, ["verify", str(folder), "--json"])
    assert done.exit_code == 1
    assert [verdict["status"] for verdict in json.loads(done.stdout)] == ["failed", "verified", "verified"]


def test_a_folder_without_runs(tmp_path):
    with pytest.raises(RunError, match="expected a run folder, one of trained weights, or a folder"):
        verify(tmp_path)
    assert CliRunner().invoke(main, ["verify", str(tmp_path)]).exit_code == 1
