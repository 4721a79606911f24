"""What a run leaves running is ended with it."""

import json
import os
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from zoo.benchmarking import process
from zoo.errors import RunError


@pytest.mark.parametrize("end", ["", "; sleep 600"], ids=["that ends", "that is stopped"])
def test_a_process_that_a_run_leaves_behind_is_ended(end, monkeypatch, tmp_path):
    worker = tmp_path / "worker"
    worker.write_text(f"#!/bin/sh\n(sleep 600 & echo $! > {tmp_path}/left)\n{end.lstrip('; ')}\n")
    worker.chmod(0o755)
    monkeypatch.setattr(process, "sys", SimpleNamespace(executable=str(worker), path=sys.path))
    named = {"preset": "a/b", "seed": 0, "label": "a run", "folder": "run", "out": str(tmp_path)}
    with pytest.raises(RunError):
        process.train_apart(process.Task.from_json(json.dumps(named)), process.Limits(seconds=1.0))
    left = int((tmp_path / "left").read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(left) and psutil.Process(left).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert os.getpid() != left
