"""The executor of docs/cluster.md, as a plugin's file, and what a container runs."""

import json
import os
import subprocess
import sys
import time

import pytest
from support.pages import Page, file_of

from zoo.runs.run import Run

CLUSTER = Page("docs/cluster.md")


def test_the_executor_of_thirty_lines_trains(tiny, command, write_registry, monkeypatch, tmp_path):
    (block,) = [block for block in CLUSTER.blocks("python") if file_of(block) == "my_executor.py"]
    assert len(block.splitlines()) <= 35
    registry = write_registry("plugins: [./my_executor.py]")
    (registry.parent / "my_executor.py").write_text(block)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    out = tmp_path / "runs"
    done = command(
        "--registry", registry, "benchmark", "tiny_cnn/tiny", "--full", "--epochs", 1, "--out", out, "--json",
        "--executor", "shell", "--executor-option", "prefix=nice -n 5",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    ((row,),) = [table["rows"] for table in json.loads(done.stdout)["tables"]]
    assert row["preset"] == "tiny_cnn/tiny"
    assert not (out / ".progress").exists()
    listed = command("--registry", registry, "plugins", "--json")
    assert [it["provides"] for it in json.loads(listed.stdout) if it["name"] == "my_executor"] == [["shell"]]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it is a shell's command")
def test_what_a_container_runs_begins_and_goes_on(tiny, monkeypatch, tmp_path):
    (line,) = [line for block in CLUSTER.blocks("sh") for line in block.splitlines() if "train --resume" in line]
    written = {
        "zoo train": f"{sys.executable} -m zoo train",
        "/runs": f"{tmp_path}/runs",
        "small_cnn/mnist": "tiny_cnn/tiny",
    }
    for old, new in written.items():
        assert old in line
        line = line.replace(old, new)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    shell = ["sh", "-c", f"{line} --epochs 12"]
    killed = subprocess.Popen(shell, start_new_session=True, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("runs/*/*/*/checkpoint-*.keras")):
        assert killed.poll() is None
        time.sleep(0.05)
    os.killpg(killed.pid, 9)
    killed.wait()
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.glob("runs/tiny_cnn/tiny/seed0-*")
    run = Run(folder)
    assert run.state == "finished"
    assert run.content.provenance.resumed
