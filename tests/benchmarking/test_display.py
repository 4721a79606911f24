"""The progress of a benchmark."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

import zoo
from zoo.benchmarking.cells import Cell
from zoo.benchmarking.code_check import CodeCheck
from zoo.benchmarking.dispatch import Dispatch
from zoo.benchmarking.display import ShowRuns, describe_moment
from zoo.benchmarking.executor import LocalProcesses
from zoo.benchmarking.report_file import Report
from zoo.progress import Moment


def make_cells(tmp_path):
    return [Cell("tiny_cnn/tiny", seed, {"epochs": 4}, tmp_path) for seed in range(3)]


def screen(text):
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text.replace("\r", "\n"))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (Moment("starting", 0.0, 1, None), "starting"),
        (Moment("training", 0.0, 20, None), "epoch 1/20"),
        (Moment("training", 2.4, 20, 12345.67), "epoch 3/20, loss 12,345.7"),
        (Moment("training", 20.0, 20, 1.0), "epoch 20/20, loss 1.0"),
        (Moment("scoring", 20.0, 20, 1.0), "scoring"),
    ],
)
def test_what_a_run_is_doing(moment, text):
    assert describe_moment(moment) == text


def test_a_bar_for_each_run_fits_into_eighty_columns(tmp_path):
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None, highlight=False)
    one, two, three = make_cells(tmp_path)
    with ShowRuns(3, True, console) as shown:
        shown.finish(three)
        shown.tell(one, Moment("training", 1.5, 4, 1234.5))
        shown.tell(two, Moment("scoring", 4.0, 4, 99.0))
        shown._bar.refresh()
        lines = screen(out.getvalue()).splitlines()
        shown.finish(one)
        shown._bar.refresh()
    assert max(map(len, lines)) <= 80
    assert any("benchmark: 1 of 3 runs" in line for line in lines)
    assert any("tiny_cnn/tiny, seed 0, epochs=4: epoch 2/4, loss 1,234.5" in line for line in lines)
    assert any("tiny_cnn/tiny, seed 1, epochs=4: scoring" in line for line in lines)
    assert "benchmark: 2 of 3 runs" in out.getvalue()


def test_names_that_look_like_markup(tmp_path):
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None, highlight=False)
    cell = Cell("tiny_cnn/tiny", 0, {"x": "[bold]"}, tmp_path)
    with ShowRuns(1, True, console) as shown:
        shown.tell(cell, Moment("training", 0.5, 4, None))
        shown._bar.refresh()
    assert "tiny_cnn/tiny, seed 0, x=[bold]: epoch 1/4" in screen(out.getvalue())


def test_lines_now_and_then_where_there_is_no_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.benchmarking.display.SECONDS_BETWEEN_LINES", 0.0)
    out = io.StringIO()
    (cell, *_) = make_cells(tmp_path)
    with ShowRuns(3, True, Console(file=out, width=80)) as shown:
        shown.tell(cell, Moment("training", 0.5, 4, 7.0))
    assert out.getvalue().splitlines() == [
        "benchmark: 0 of 3 runs",
        "benchmark: 0 of 3 runs, about 1 min left; tiny_cnn/tiny, seed 0, epochs=4: epoch 1/4, loss 7.0",
    ]


def test_a_line_for_each_of_several_runs_and_the_time_left(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.benchmarking.display.SECONDS_BETWEEN_LINES", 60.0)
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("zoo.benchmarking.display.time", clock)
    out = io.StringIO()
    one, two, three = make_cells(tmp_path)
    with ShowRuns(3, True, Console(file=out, width=80)) as shown:
        shown.finish(three)  # It was finished before, so it says nothing about the time that the others take.
        shown.tell(one, Moment("training", 0.0, 4, None))
        clock.now = 1800.0
        shown.tell(two, Moment("training", 2.0, 4, 7.0))
    assert out.getvalue().splitlines()[1:] == [
        "benchmark: 1 of 3 runs, about 90 min left",
        "  tiny_cnn/tiny, seed 0, epochs=4: epoch 1/4",
        "  tiny_cnn/tiny, seed 1, epochs=4: epoch 3/4, loss 7.0",
    ]


def test_nothing_is_shown_unless_wanted(tmp_path, capsys):
    (cell, *_) = make_cells(tmp_path)
    with ShowRuns(3, False) as shown:
        shown.tell(cell, Moment("training", 0.5, 4, 7.0))
        shown.finish(cell)
    assert capsys.readouterr() == ("", "")


def test_a_report_is_read_line_by_line(tmp_path):
    report = Report(tmp_path / "report")
    assert report.read() is None
    lines = [json.dumps(vars(Moment("training", float(done), 4, 1.0))) + "\n" for done in range(3)]
    report.file.write_text(lines[0] + lines[1] + lines[2][:20])
    assert report.read().done == 1.0
    assert report.read() is None
    with report.file.open("a") as file:
        file.write(lines[2][20:])
    assert report.read().done == 2.0


@pytest.mark.slow
def test_processes_tell_what_they_do(tiny, tmp_path):
    told = []
    executor = LocalProcesses()
    cell = Cell("tiny_cnn/tiny", 0, {"epochs": 2}, tmp_path)
    dispatch = Dispatch(executor, CodeCheck(), tell=lambda cell, moment: told.append((cell, moment)))
    ((_, run),) = dispatch.run([cell])
    executor.close()
    assert run.status == "finished"
    assert {cell for cell, _ in told} == {cell}
    moments = [moment for _, moment in told]
    assert moments[0].stage == "starting"
    assert [moment.done for moment in moments] == sorted(moment.done for moment in moments)
    assert moments[-1].done == 2.0
    assert {moment.stage for moment in moments} & {"scoring", "measuring speed and memory", "drawing"}


def test_a_training_tells_a_function_what_it_does(tiny, few_pictures, tmp_path):
    told = []
    zoo.train("tiny_cnn/tiny", epochs=2, out=tmp_path, progress=told.append)
    stages = list(dict.fromkeys(moment.stage for moment in told))
    assert stages == ["training", "scoring", "measuring speed and memory", "drawing"]
    assert {moment.epochs for moment in told} == {2}
    assert told[-1].done == 2.0
    assert told[-1].loss > 0


def test_messages_are_printed_to_what_stderr_is_now(command, monkeypatch):
    """A bar replaces ``sys.stderr`` while it is shown, and prints above itself what is written there."""
    command("list")
    (handler,) = logging.getLogger("zoo").handlers
    replaced = io.StringIO()
    monkeypatch.setattr(sys, "stderr", replaced)
    logging.getLogger("zoo").info("a %s", "message")
    assert replaced.getvalue() == "zoo: a message\n"
    logging.getLogger("zoo").removeHandler(handler)


def test_comparing_needs_no_keras(tmp_path):
    data = {"dataset": "a", "part": "test", "sha256": "0", "images": 3}
    facts = {"data": data, "likelihood": "x", "binarization": "none", "seed": 0, "iwae": None}
    scores = {"negative_elbo": 1.0, "reconstruction": 1.0, "kl": 0.0, **facts}
    (tmp_path / "a.json").write_text(json.dumps(scores))
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom zoo.cli import main\n"
        "result = CliRunner().invoke(main, ['compare', 'a.json', 'a.json'])\n"
        "assert result.exit_code == 0, result.output\n"
        "assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(zoo.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)


def test_what_an_earlier_process_has_reported_is_left_out(tmp_path):
    (tmp_path / "report").write_text(json.dumps(vars(Moment("training", 3.0, 4, 1.0))) + "\n")
    report = Report(tmp_path / "report")
    assert report.read() is None
    with report.file.open("a") as file:
        file.write(json.dumps(vars(Moment("starting", 0.0, 1, None))) + "\n")
    assert report.read().stage == "starting"
