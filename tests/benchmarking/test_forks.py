"""Runs in forks of a process that has imported Keras: the same as in new processes, and as apart from each other."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from support.run_contents import contents

import zoo
from zoo.benchmarking.cells import Cell
from zoo.benchmarking.executor import LocalProcesses
from zoo.benchmarking.forks.client import LOST, Forks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each run has a new process")
SERVER, WORKER = "zoo.benchmarking.forks.server", "zoo.benchmarking.worker"


@pytest.fixture
def commands(monkeypatch):
    """The modules that new processes run."""
    found = []

    class Popen(subprocess.Popen):
        def __init__(self, command, **options):
            found.append(command[2])
            super().__init__(command, **options)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    return found


@pytest.fixture
def forks():
    made = Forks({"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))})
    yield made
    made.close()


def hang(forks, folder, output, seed=0):
    """Start a run that does not end, and return its process once it has begun."""
    cell = Cell("hangs/tiny", seed, {"epochs": 1}, folder)
    fork = forks.start([cell.to_json()], output, os.environ, str(folder))
    lock = cell.path / ".lock"
    deadline = time.monotonic() + 60
    while not (lock.exists() and lock.read_text()):
        assert fork.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert int(lock.read_text()) == fork.pid
    return fork


def has_ended(pid):
    try:
        psutil.Process(pid).wait(20)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def test_the_same_runs_as_in_new_processes(tiny, few_pictures, commands, monkeypatch, tmp_path):
    grid = {"presets": ["tiny_cnn/tiny"], "seeds": 2, "epochs": 1, "full": True, "progress": False}
    assert zoo.benchmark(**grid, out=tmp_path / "forks").failed == []
    assert commands == [SERVER]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert zoo.benchmark(**grid, out=tmp_path / "new").failed == []
    assert commands == [SERVER, WORKER, WORKER]
    assert contents(tmp_path / "forks") == contents(tmp_path / "new")


def test_without_the_server_each_run_has_a_new_process(tiny, commands, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "abacus")  # Which no process can import.
    executor = LocalProcesses()
    for seed in (0, 1):
        with pytest.raises(zoo.errors.RunError, match="abacus"):
            executor.submit(Cell("tiny_cnn/tiny", seed, {"epochs": 1}, tmp_path)).result()
    executor.close()
    assert commands == [SERVER, WORKER, WORKER]


def test_forks_end_one_by_one_and_when_nobody_waits_for_them(tiny, forks, tmp_path):
    with (tmp_path / "output").open("w+b") as output:
        fork = forks.start(["{}"], output, os.environ, str(tmp_path))
        assert fork.wait(60) == 1
        output.seek(0)
        assert b"KeyError: 'out'" in output.read()
        killed, left, last = (hang(forks, tmp_path, output, seed) for seed in range(3))
        assert len({os.getsid(fork.pid) for fork in (killed, left, last)}) == 3
        killed.kill()
        assert killed.wait(20) == -signal.SIGKILL
        left.stdin.close()  # As if the process that has asked for it were gone.
        assert has_ended(left.pid)
        with pytest.raises(subprocess.TimeoutExpired):
            last.wait(0.2)
        assert last.poll() is None
        forks._server.kill()
        assert last.poll() is None  # It goes on without the server, which alone knows how it ends.
        os.kill(last.pid, signal.SIGKILL)
        assert last.wait(20) == LOST
        assert forks.start(["{}"], output, os.environ, str(tmp_path)) is None
