"""The executor ray on real clusters of several nodes, each with processes of its own, on this machine."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time

import pytest
from support.run_contents import contents

import zoo
from zoo.runs.run import Run

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")]


@pytest.fixture
def cluster(tiny, monkeypatch):
    """A cluster of two nodes of one processor each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    yield made
    with contextlib.suppress(Exception):
        made.shutdown()


def start(folder, address, *arguments):
    """Start a benchmark of four cells in a process of its own."""
    command = [sys.executable, "-m", "zoo", "benchmark", "tiny_cnn/tiny", "small_cnn/tiny", "--full", "--seeds", "2"]
    command += ["--epochs", "3", "--out", str(folder), *arguments]
    if address is not None:
        command += ["--executor", "ray", "--executor-option", f"address={address}"]
    with folder.with_suffix(".log").open("a") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def finish(process, folder):
    assert process.wait(timeout=400) == 0, folder.with_suffix(".log").read_text()


def finished(folder):
    """Return the record of each finished run; one that is trained again would have another."""
    runs = [Run(file.parent) for file in folder.glob("*/tiny/*/run.json")]
    return {
        run.path: (run.path / "run.json").read_bytes() for run in runs if run.state == "finished" and not run.doubts()
    }


@pytest.fixture
def whole(cluster, tmp_path):
    """The same benchmark without Ray, with as many threads; gives its folder and the seconds it took."""
    began = time.monotonic()
    finish(start(tmp_path / "whole", None, "--jobs", str(os.cpu_count())), tmp_path / "whole")
    return tmp_path / "whole", time.monotonic() - began


def test_twelve_cells_on_two_nodes_equal_those_of_local_processes(cluster, tmp_path):
    grid = {
        "presets": ["tiny_cnn/tiny"],
        "seeds": 3,
        "settings": {"latent_dim": [2, 3], "epochs": [1, 2]},
        "full": True,
    }
    local = zoo.benchmark(**grid, out=tmp_path / "local", jobs=2, progress=False)
    expected = contents(tmp_path / "local")
    assert len([name for name in expected if name.endswith("run.json")]) == 12
    for way, more in (("shared", {}), ("collected", {"collect": True, "scratch": str(tmp_path / "scratch")})):
        options = {"address": cluster.address, **more}
        there = zoo.benchmark(**grid, out=tmp_path / way, executor="ray", executor_options=options)
        assert contents(tmp_path / way) == expected
        assert there.failed == local.failed == []
    assert not [*(tmp_path / "scratch").glob("*/*/*/*")]


def test_nodes_killed_at_random_moments(cluster, whole, tmp_path):
    expected, took = whole
    process = start(tmp_path / "killed", cluster.address)
    draw, kept = random.Random(0), {}
    for _ in range(10):
        time.sleep(draw.uniform(0.05, 0.5) * took)
        kept |= finished(tmp_path / "killed")
        node = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)
        cluster.remove_node(node, allow_graceful=False)
        cluster.add_node(num_cpus=1)
        if process.poll() is not None:
            break
    finish(process, tmp_path / "killed")
    assert contents(tmp_path / "killed") == contents(expected)
    assert kept.items() <= finished(tmp_path / "killed").items()


def test_a_head_that_is_killed_and_started_anew(cluster, whole, tmp_path):
    from ray.cluster_utils import Cluster

    expected, took = whole
    process = start(tmp_path / "killed", cluster.address)
    time.sleep(0.6 * took)
    kept = finished(tmp_path / "killed")
    cluster.shutdown()
    assert process.wait(timeout=120) != 0
    anew = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    try:
        finish(start(tmp_path / "killed", anew.address), tmp_path / "killed")
    finally:
        anew.shutdown()
    assert contents(tmp_path / "killed") == contents(expected)
    assert kept.items() <= finished(tmp_path / "killed").items()
    board = json.loads((tmp_path / "killed/leaderboard.json").read_text())
    assert board["failed"] == []
