"""A benchmark's grid: processes of their own, what becomes of those that fail, and going on after a kill."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Future

import pytest
from click.testing import CliRunner
from scipy import stats
from support.run_contents import contents

import zoo
from zoo.benchmarking.cells import Cell, make_cells
from zoo.benchmarking.executor import LocalProcesses
from zoo.benchmarking.verify import verify
from zoo.cli import main
from zoo.errors import RunError
from zoo.training import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are not those of POSIX")
COUNTER = itertools.count()


def test_cells_are_all_combinations_seed_by_seed(tiny, tmp_path):
    cells = make_cells(["tiny_cnn/tiny"], [0, 1], {"latent_dim": [2, 3], "epochs": [1]}, out=tmp_path)
    assert [(cell.seed, cell.settings["latent_dim"]) for cell in cells] == [(0, 2), (0, 3), (1, 2), (1, 3)]
    assert len({cell.path for cell in cells}) == 4
    again = Cell.from_json(cells[0].to_json())
    assert again.path == cells[0].path
    assert again.plan == cells[0].plan


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("latent_dim=8,16", [8, 16]),
        ("learning_rate=1e-3", [0.001]),
        ("filters=[4, 8],[8]", [[4, 8], [8]]),
        ("kl_weight={warm_up_steps: 3, end: 2},1", [{"warm_up_steps": 3, "end": 2}, 1]),
    ],
)
def test_settings_on_the_command_line(text, values):
    from zoo.cli.options import read_grid

    assert read_grid(None, None, (text,)) == {text.partition("=")[0]: values}


@pytest.mark.parametrize("text", ["latent_dim", "=3", "latent_dim=", "latent_dim=1,"])
def test_settings_that_are_none(text):
    done = CliRunner().invoke(main, ["benchmark", "small_cnn/mnist", "--set", text])
    assert done.exit_code == 2
    assert "expected KEY=VALUE or KEY=VALUE,VALUE" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"jobs": 0}, "jobs is 0: expected at least 1"),
        ({"settings": {"latent": [1]}}, "unknown option 'latent'"),
        ({"baseline": "big_cnn"}, "the baseline is 'big_cnn': expected a row, such as tiny_cnn/tiny, tiny_cnn"),
    ],
)
def test_bad_arguments_stop_before_the_first_training(tiny, tmp_path, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        zoo.benchmark(["tiny_cnn/tiny"], full=True, out=tmp_path / "bench", **arguments)
    assert not (tmp_path / "bench").exists()


def test_an_empty_selection_is_not_the_default_set(tmp_path):
    with pytest.raises(ValueError, match="got 0 presets and 1 seeds; expected at least one of each"):
        zoo.benchmark([], out=tmp_path / "bench")
    assert not (tmp_path / "bench").exists()


@pytest.mark.slow
def test_an_executor_is_all_that_a_cluster_needs(tiny, tmp_path):
    class Cluster:
        def __init__(self):
            self.given, self.closed = [], False

        def submit(self, cell):
            self.given.append(cell.label)
            future = Future()
            if cell.seed:
                future.set_exception(RunError("the node is down"))
            else:
                future.set_result(zoo.train(cell.preset, seed=0, out=cell.out, progress=False, **cell.settings))
            return future

        def close(self):
            self.closed = True

    cluster = Cluster()
    board = zoo.benchmark(
        ["tiny_cnn/tiny"], seeds=2, epochs=1, full=True, out=tmp_path, executor=cluster, progress=False
    )
    assert cluster.closed
    assert cluster.given == ["tiny_cnn/tiny, seed 0, epochs=1", "tiny_cnn/tiny, seed 1, epochs=1"]
    assert board.tables[0].rows[0].seeds == (0,)
    assert [run.to_dict() for run in board.failed] == [
        {"preset": "tiny_cnn/tiny", "seed": 1, "settings": {"epochs": 1}, "error": "the node is down"}
    ]


@pytest.mark.slow
def test_five_ways_to_fail_are_five_rows_with_their_reasons(tiny, tmp_path):
    presets = [f"{name}/tiny" for name in ("unregistered", "hangs", "eats", "explodes", "leaves", "tiny_cnn")]
    done = zoo.benchmark(
        presets, epochs=2, full=True, out=tmp_path, jobs=2, time_limit=60, memory_limit=3000, progress=False
    )
    (row,) = done.tables[0].rows
    assert row.preset == "tiny_cnn/tiny"
    errors = {run.preset.partition("/")[0]: run.error for run in done.failed}
    assert set(errors) == {"unregistered", "hangs", "eats", "explodes", "leaves"}
    assert "register_keras_serializable" in errors["unregistered"]
    assert errors["hangs"] == "it took longer than the time limit of 60 s"
    assert "MiB of memory, more than the limit of 3,000 MiB" in errors["eats"]
    assert "the loss became nan" in errors["explodes"]
    assert errors["leaves"].startswith("its process ended with exit status 3")
    for folder in tmp_path.glob("*/tiny/seed0-*"):
        run = Run(folder)
        assert run.status == ("finished" if "tiny_cnn" in folder.parts else "failed")
        assert run.record["error"] == errors.get(folder.parts[-3])
    text = (tmp_path / "leaderboard.md").read_text()
    assert text.count("\n- ") == 5


def test_a_killed_worker_is_said_to_be_killed(tiny, tmp_path):
    executor = LocalProcesses()
    future = executor.submit(Cell("hangs/tiny", 0, {"epochs": 1}, tmp_path))
    file = Cell("hangs/tiny", 0, {"epochs": 1}, tmp_path).path / ".lock"
    for _ in range(600):
        if file.exists() and file.read_text():
            break
        time.sleep(0.1)
    os.kill(int(file.read_text()), signal.SIGKILL)
    with pytest.raises(RunError, match="was killed by SIGKILL, which the system sends when memory runs out"):
        future.result()
    executor.close()


def start(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "zoo", "benchmark", "tiny_cnn/tiny", "small_cnn/tiny", "--full", "--seeds", "2"]
    with folder.with_suffix(f".{next(COUNTER)}.log").open("w") as log:
        return subprocess.Popen([*command, "--epochs", "3", "--out", str(folder), *arguments], env=environment,
                                stdout=log, stderr=log)  # fmt: skip


def said(folder):
    return "\n".join(file.read_text() for file in folder.parent.glob(f"{folder.name}.*.log"))


@pytest.mark.parametrize(
    "times", [pytest.param(3, marks=pytest.mark.slow), pytest.param(10, marks=pytest.mark.exhaustive)]
)
def test_killed_at_any_moment_and_started_again(tiny, times, tmp_path):
    whole = start(tmp_path / "whole", "--jobs", "2")
    began = time.monotonic()
    assert whole.wait() == 0, said(tmp_path / "whole")
    took = time.monotonic() - began
    draw = random.Random(0)
    for _ in range(times):
        process = start(tmp_path / "killed", "--jobs", "2")
        time.sleep(draw.uniform(0.1, 0.8) * took)
        process.kill()
        process.wait()
    last = start(tmp_path / "killed", "--jobs", "2")
    assert last.wait() == 0, said(tmp_path / "killed")
    found, expected = contents(tmp_path / "killed"), contents(tmp_path / "whole")
    assert found.keys() == expected.keys()
    for name, content in expected.items():
        assert found[name] == content, name
    boards = [json.loads((tmp_path / name / "leaderboard.json").read_text()) for name in ("whole", "killed")]
    scores = [[row["negative_elbo"] for table in board["tables"] for row in table["rows"]] for board in boards]
    assert scores[0] == scores[1]


@pytest.mark.slow
def test_two_benchmarks_in_one_folder_share_the_work(tiny, tmp_path):
    folder = tmp_path / "shared"
    processes = [start(folder) for _ in "ab"]
    for process in processes:
        assert process.wait() == 0, said(folder)
    runs = [Run(file.parent) for file in folder.glob("*/tiny/*/run.json")]
    assert len(runs) == 4
    assert all(run.status == "finished" and not run.doubts() for run in runs)
    (table,) = json.loads((folder / "leaderboard.json").read_text())["tables"]
    assert [row["seeds"] for row in table["rows"]] == [[0, 1], [0, 1]]


@pytest.mark.slow
def test_differences_are_paired_by_seed_and_intervals_students(tiny, tmp_path):
    board = zoo.benchmark(
        ["tiny_cnn/tiny"], seeds=3, settings={"epochs": [1], "latent_dim": [1, 3]}, full=True, out=tmp_path,
        baseline="tiny_cnn latent_dim=1", jobs=2, progress=False,
    )  # fmt: skip
    rows = {row.model: row for row in board.tables[0].rows}
    scores = {
        model: {Run(tmp_path / path).config["seed"]: Run(tmp_path / path).scores["negative_elbo"] for path in row.runs}
        for model, row in rows.items()
    }
    own, base = scores["tiny_cnn latent_dim=3"], scores["tiny_cnn latent_dim=1"]
    differences = [own[seed] - base[seed] for seed in range(3)]
    found = rows["tiny_cnn latent_dim=3"].difference
    low, high = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert rows["tiny_cnn latent_dim=1"].difference is None
    assert [row.rank for row in board.tables[0].rows] == [1, 2]
    lines = (tmp_path / "leaderboard.csv").read_text().splitlines()
    assert len(lines) == 3
    assert (
        float(lines[1].split(",")[lines[0].split(",").index("negative_elbo")])
        == board.tables[0].rows[0].scores["negative_elbo"].mean
    )
    assert "Δ is the difference from tiny_cnn latent_dim=1, paired by seed" in board.to_markdown()
    assert {row.settings["latent_dim"] for row in board.tables[0].rows} == {1, 3}
    check_boards_of_older_versions(tmp_path)


def check_boards_of_older_versions(folder):
    assert verify(folder)[-1].status == "verified"
    board = json.loads((folder / "leaderboard.json").read_text())
    for row in board["tables"][0]["rows"]:
        del row["settings"]
    (folder / "leaderboard.json").write_text(json.dumps(board))
    assert verify(folder)[-1].status == "verified"
    board["tables"][0]["rows"][0]["settings"] = {"latent_dim": 2}
    (folder / "leaderboard.json").write_text(json.dumps(board))
    assert verify(folder)[-1].status == "failed"
