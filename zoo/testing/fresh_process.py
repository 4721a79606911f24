"""Tasks that checks run in a new Python process: ``python -m zoo.testing.fresh_process TASK ...``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from zoo.registry.isolation.leftovers import leave
from zoo.testing.rule import CheckFailure

HEAVY = ("keras", "tensorflow", "jax", "torch")
ANSWER = "answer: "
LONGEST = 300.0  # Seconds; importing Keras can be slow on a slow disk.


def run_fresh(
    task: str, *, plugin: str | None = None, modules: Sequence[str] = (), arguments: Sequence[str] = ()
) -> dict[str, Any]:
    """Run a task in a new process with the same module search path.

    Args:
        task: ``listing`` or ``loading``.
        plugin: a file or a module to load first.
        modules: modules to import first.
        arguments: the task's arguments.

    Returns:
        The task's answer.

    Raises:
        CheckFailure: the task failed; the message has the error's last line.
    """
    command = [sys.executable, "-m", "zoo.testing.fresh_process", task, *arguments]
    command += [word for module in modules for word in ("--import", module)]
    command += [] if plugin is None else ["--plugin", plugin]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST, encoding="utf-8"
    )
    answers = [line for line in done.stdout.splitlines() if line.startswith(ANSWER)]
    if done.returncode or not answers:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise CheckFailure(f"in a new process: {lines[-1]}")
    answer: dict[str, Any] = json.loads(answers[-1].removeprefix(ANSWER))
    return answer


def list_plugin(name: str) -> dict[str, Any]:
    """Return whether an architecture's plugin is slow to load, and which heavy modules are then imported."""
    from zoo.registry import catalogue

    plugin = catalogue.architecture(name).plugin
    heavy = [module for module in HEAVY if module in sys.modules]
    return {"slow": plugin is not None and plugin.status == "slow", "heavy": heavy}


def load_saved(file: str, images: str, results: str) -> dict[str, Any]:
    """Load a saved model, and write its outputs for some images."""
    import numpy as np

    from zoo.saving.load import load_model

    model = load_model(file)
    given = np.load(images)
    encoded = model.encode(given)
    np.savez(results, mean=encoded[0], std=encoded[1], images=model.reconstruct(given))
    return {"class": type(model).__name__, "compiled": bool(model.compiled)}


def main() -> None:
    """Run the task named on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["listing", "loading"])
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--plugin")
    parser.add_argument("--import", dest="modules", action="append", default=[])
    options = parser.parse_args()
    import importlib

    from zoo.registry import catalogue

    start = time.perf_counter()
    if options.plugin:
        catalogue.load_plugin(options.plugin)
    for module in options.modules:
        importlib.import_module(module)
    answer = (list_plugin if options.task == "listing" else load_saved)(*options.arguments)
    print(ANSWER + json.dumps(answer | {"seconds": time.perf_counter() - start}), flush=True)
    leave(0)


if __name__ == "__main__":
    main()
