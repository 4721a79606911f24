"""Measures what a second node of a Ray cluster brings, and writes docs/two_nodes.json.

    python benchmarks/two_nodes.py [--rounds 3]

The same cells, each with one processor, on one node of one processor and on two, in turn. Nodes are processes of this
machine, which needs two processors that nothing else uses. What counts is the time from the call to
the end of the last cell; the start of the cluster is not in it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULT = Path(__file__).resolve().parent.parent / "docs" / "two_nodes.json"
PRESET, CELLS = "small_cnn/mnist_sample", 4


def measure(nodes, epochs, folder):
    """Return the seconds from the call to the end of the last cell, on so many nodes."""
    from ray.cluster_utils import Cluster

    import zoo

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(num_cpus=1)
        options, start = {"address": cluster.address}, time.time()
        done = zoo.benchmark(
            [PRESET], seeds=CELLS, settings={"epochs": [epochs]}, out=folder, progress=False, executor="ray",
            executor_options=options,
        )  # fmt: skip
        assert not done.failed
    finally:
        cluster.shutdown()
    ends = [file.stat().st_mtime for file in folder.glob("**/SHA256SUMS")]
    assert len(ends) == CELLS
    return max(ends) - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(arguments.measure, arguments.epochs, Path(folder)))
        return
    seconds = {1: [], 2: []}
    for number in range(arguments.rounds):
        for nodes in (1, 2) if number % 2 == 0 else (2, 1):
            command = [sys.executable, __file__, "--measure", str(nodes), "--epochs", str(arguments.epochs)]
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
            told = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
            seconds[nodes].append(round(float(told.splitlines()[-1]), 2))
            print(f"{nodes} nodes: {seconds[nodes][-1]} s", file=sys.stderr)
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    result = {
        "preset": PRESET, "cells": CELLS, "epochs": arguments.epochs, "seconds": seconds,
        "ratio": round(statistics.median(ratios), 3), "ratios": [round(it, 3) for it in ratios],
    }  # fmt: skip
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
