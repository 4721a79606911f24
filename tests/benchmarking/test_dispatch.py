"""The run folder is the truth: what becomes of cells whose executor lies, raises, falls silent or loses them."""

import shutil
import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest

import zoo
from zoo.benchmarking import grid
from zoo.benchmarking.cells import Cell, run_cell
from zoo.errors import RunError
from zoo.runs.lock import claim
from zoo.runs.run import Run

pytestmark = pytest.mark.usefixtures("few_pictures", "measured_once")
# What is the same for all tests: the cost of the model, and the score of a run that nothing has happened to.
KNOWN = {}


class Scripted:
    """An executor that does with each submission what its script says."""

    def __init__(self, *script):
        self.script, self.given = list(script), []

    def submit(self, cell):
        self.given.append(cell)
        act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        future = Future()
        if (answer := act(cell, future)) is not None:
            future.set_result(answer)
        return future

    def close(self):
        pass


def train(cell, future):
    return run_cell(cell)


def lie(cell, future):
    return "done"


@pytest.fixture
def measured_once(monkeypatch):
    """Leave out what takes long and is not looked at."""
    from zoo.training import job

    original = vars(job)["measure_cost"]

    def measure(model):
        if "cost" not in KNOWN:
            KNOWN["cost"] = original(model)
        return KNOWN["cost"]

    monkeypatch.setattr(job, "measure_cost", measure)
    monkeypatch.setattr(grid, "_compare", lambda *arguments: None)


@pytest.fixture
def bench(tiny, tmp_path):
    """Train one cell by an executor with a script; give the executor and the leaderboard."""

    def run(*script, lost_after=60.0):
        executor = Scripted(*script)
        board = zoo.benchmark(
            "tiny_cnn/tiny", epochs=2, full=True, out=tmp_path / "runs", progress=False,
            executor=executor, executor_options={"lost_after": lost_after},
        )  # fmt: skip
        return executor, board

    return run


@pytest.fixture
def lose_worker(interrupted):
    """Train one epoch, and leave the folder as a worker does that is killed."""

    def lose(cell, future):
        with interrupted(), pytest.raises(KeyboardInterrupt):
            run_cell(cell)
        run = Run(cell.path)
        run.save(replace(run.content, status="running", error=None))

    return lose


@pytest.fixture
def true_score(tiny, tmp_path):
    """Check that a leaderboard has the score of a run that nothing has happened to."""

    def check(board):
        if "score" not in KNOWN:
            plain = zoo.train("tiny_cnn/tiny", epochs=2, out=tmp_path / "plain", progress=False)
            KNOWN["score"] = plain.scores["negative_elbo"]
        (row,) = board.tables[0].rows
        assert row.scores["negative_elbo"].mean == KNOWN["score"]
        assert board.failed == []

    return check


def test_a_cell_that_is_said_to_be_done_and_is_not_is_submitted_again(bench, true_score):
    executor, board = bench(lie, train)
    assert len(executor.given) == 2
    true_score(board)


def test_a_cell_whose_executor_raises_goes_on_after_its_last_epoch(bench, true_score, lose_worker):
    def raise_error(cell, future):
        lose_worker(cell, future)
        future.set_exception(ConnectionError("the node is gone"))

    executor, board = bench(raise_error, train)
    (cell, _) = executor.given
    assert [it.after_epoch for it in Run(cell.path).content.provenance.resumed] == [1]
    true_score(board)


def test_a_cell_without_a_sign_of_life_is_submitted_again(bench, true_score, lose_worker):
    executor, board = bench(lose_worker, train, lost_after=0.3)
    (cell, _) = executor.given
    assert [it.after_epoch for it in Run(cell.path).content.provenance.resumed] == [1]
    true_score(board)


def test_a_result_that_is_lost_is_made_again(bench, true_score):
    def lose_result(cell, future):
        shutil.rmtree(run_cell(cell).path)
        return "done"

    executor, board = bench(lose_result, train)
    assert len(executor.given) == 2
    true_score(board)


def test_a_finished_folder_counts_though_its_executor_never_answers(bench):
    def keep_silent(cell, future):
        run_cell(cell)

    executor, board = bench(keep_silent, lost_after=0.3)
    assert len(executor.given) == 1
    assert len(board.tables[0].rows) == 1


def test_an_executor_that_only_lies_ends_with_a_row_that_says_so(bench):
    executor, board = bench(lie)
    assert len(executor.given) == 3
    (failed,) = board.failed
    assert failed.error == (
        "submitted 3 times without another epoch: its folder says that it is not begun; the executor says that it is "
        "done"
    )


def test_a_failure_of_an_earlier_attempt_is_no_answer(bench, lose_worker):
    def fail(cell, future):
        lose_worker(cell, future)
        run = Run(cell.path)
        run.save(replace(run.content, status="failed", error="it was unlucky"))
        return "done"

    first, board = bench(fail)
    assert [run.error for run in board.failed] == ["it was unlucky"]
    assert len(first.given) == 1
    again, board = bench(lie)
    assert len(again.given) == 3
    assert board.failed[0].error.startswith("submitted 3 times")


@pytest.mark.slow
def test_a_run_that_has_begun_is_not_lost_while_a_process_holds_it(bench, tmp_path, lose_worker):
    def begin(cell, future):
        lose_worker(cell, future)
        held = claim(cell.path)
        held.__enter__()
        executor_holds.append(held)
        future.set_running_or_notify_cancel()

        def end():
            held.__exit__(None, None, None)
            future.set_result(run_cell(cell))

        threading.Timer(1.5, end).start()

    executor_holds = []
    executor, board = bench(begin, lost_after=0.2)
    assert len(executor.given) == 1
    assert len(board.tables[0].rows) == 1


@pytest.mark.parametrize("error", [RunError("no such plugin"), OSError("no such plugin")], ids=["run", "engine"])
def test_a_reason_of_the_run_is_taken_and_trouble_of_the_engine_is_not(bench, error):
    def refuse(cell, future):
        future.set_exception(error)

    executor, board = bench(refuse)
    assert len(executor.given) == (1 if isinstance(error, RunError) else 3)
    assert "no such plugin" in board.failed[0].error


def test_a_cell_is_the_same_for_another_process(tiny, tmp_path):
    cell = Cell("tiny_cnn/tiny", 3, {"latent_dim": 2}, tmp_path)
    assert (tmp_path / cell.folder) == cell.path
    assert Cell.from_json(cell.to_json()).path == cell.path
    assert cell.report.is_relative_to(tmp_path)
