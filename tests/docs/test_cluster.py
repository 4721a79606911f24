"""The executor of docs/cluster.md, as a plugin's file."""

import json
import os
import sys

from support.pages import Page, file_of

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
