"""The executor slurm, with submitit's local executor in the place of Slurm."""

import contextlib
import os
import signal
import sys
import threading
import time

import psutil
import pytest
from support.run_contents import contents

import zoo
from zoo.benchmarking.engines.on_slurm import make
from zoo.benchmarking.executor import Terms
from zoo.errors import RunError
from zoo.runs.run import Run

pytest.importorskip("submitit")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
EPOCHS = 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cluster": "pbs"}, "cluster is 'pbs': expected one of slurm, local"),
        ({"minutes": 0}, "minutes is 0: expected a whole number of at least 1"),
        ({"gpus": 0.5}, "gpus is 0.5: expected a whole number of at least 0"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        make(Terms(), **options)


def test_a_machine_without_slurm_says_so_at_once(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RunError, match=r"needs the command sbatch, .* with cluster=local"):
        make(Terms())


def jobs(folder):
    """Return the processes of submitit's jobs, each of which waits for the worker of a cell."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "submitit.core._submit" in words and any(str(folder) in word for word in words):
            found.append(process)
    return found


def harm(folder, deaths):
    """Preempt and kill jobs, each once its run has another epoch to go on from."""
    done = 0
    for name in deaths:
        while (now := latest_epoch(folder)) <= done or not (found := [it for it in jobs(folder) if it.children()]):
            time.sleep(0.02)
        done = now
        with contextlib.suppress(psutil.Error):
            found[0].send_signal(name)


def latest_epoch(folder):
    return max((int(it.stem.partition("-")[2]) for it in folder.glob("*/tiny/*/checkpoint-*.keras")), default=0)


@pytest.mark.slow
def test_jobs_that_are_preempted_and_killed_end_as_if_nothing_had_happened(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    grid = {"presets": "tiny_cnn/tiny", "seeds": 1, "epochs": EPOCHS, "full": True, "progress": False}
    zoo.benchmark(**grid, out=tmp_path / "local")
    out = tmp_path / "jobs"
    deaths = [signal.SIGUSR2, signal.SIGKILL, signal.SIGUSR2]
    harming = threading.Thread(target=harm, args=(out, deaths), daemon=True)
    harming.start()
    options = {"cluster": "local", "cpus": os.cpu_count()}
    board = zoo.benchmark(**grid, out=out, executor="slurm", executor_options=options)
    assert board.failed == []
    (row,) = board.tables[0].rows
    resumed = [it.after_epoch for it in Run(out / row.runs[0]).content.provenance.resumed]
    assert 1 <= len(resumed) <= len(deaths)  # A run may be over before the last of them.
    assert resumed == sorted(resumed)
    assert contents(out) == contents(tmp_path / "local")
    (log,) = (out / "logs").iterdir()
    assert log.name == f"{row.runs[0].replace('/', '--')}.log"
