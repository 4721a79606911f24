"""Measures what a benchmark's own process does with thousands of runs, and writes docs/many_runs.json.

    python benchmarks/many_runs.py [--runs 5000]

One run is trained; the others are copies with other settings and seeds, and scores of their own. Each task has a
process of its own, whose time after its imports and whose peak of memory count.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "docs" / "many_runs.json"
PRESET, SEEDS = "small_cnn/mnist_sample", 5
BASE = {"filters": [4], "epochs": 1}
SPREAD = 0.05  # Of made scores, relative.


def grid(count):
    """Return the settings of a grid of so many runs."""
    rows = -(-count // SEEDS)
    rates = [float(f"{1e-4 * 10 ** (2 * index / rows):.6g}") for index in range(rows)]
    return {"learning_rate": rates, **{name: [value] for name, value in BASE.items()}}


def cells(folder, count):
    """Return the cells of the grid."""
    from zoo.benchmarking.cells import make_cells

    return make_cells([PRESET], range(SEEDS), grid(count), out=folder)[:count]


def fill(folder, count):
    """Train one run, and make the others from it."""
    import zoo
    from zoo.runs.run import Run
    from zoo.training.plan import describe_plan

    first = zoo.train(PRESET, out=folder / "first", progress=False, **BASE)
    record, draw = first.content, random.Random(0)
    for cell in cells(folder / "runs", count):
        shutil.copytree(first.path, cell.path)
        run, factor = Run(cell.path), 1 + SPREAD * draw.random()
        scores = {**record.scores}
        for name in ("negative_elbo", "reconstruction", "bits_per_dim"):
            scores[name] *= factor
        best = replace(record.best, negative_elbo=record.best.negative_elbo * factor)
        run.save(replace(record, config=describe_plan(cell.plan, cell.seed), scores=scores, best=best))
        run.save_checksums()


def find(folder, count):
    from zoo.runs.finding import find_files
    from zoo.runs.run import RUN_FILE

    assert len(find_files(folder, RUN_FILE).files[RUN_FILE]) == count


def check(folder, count):
    from zoo.benchmarking.cells import find_done
    from zoo.benchmarking.code_check import CodeCheck

    code = CodeCheck()
    assert all(find_done(cell, code) is not None for cell in cells(folder, count))


def look(folder, count):
    from concurrent.futures import Future

    from zoo.benchmarking.code_check import CodeCheck
    from zoo.benchmarking.dispatch import Dispatch

    class Waiting:
        queues = True

        def submit(self, cell):
            return Future()

        def close(self):
            pass

    planned = cells(folder, count)
    for cell in planned:
        assert cell.path.exists()
    dispatch = Dispatch(Waiting(), CodeCheck())
    dispatch.add(planned)
    start = time.perf_counter()
    for it in list(dispatch._under_way.values()):
        dispatch._look(it)
    return time.perf_counter() - start


def leaderboard(folder, count):
    from zoo.benchmarking.leaderboard import Leaderboard
    from zoo.runs.run import Run

    board = Leaderboard.from_runs([Run(cell.path) for cell in cells(folder, count)], folder)
    board.save()
    assert len(board.tables[0].rows) == -(-count // SEEDS)


def report(folder, count):
    from zoo.report import write_report

    return {"bytes": write_report(folder, progress=False).stat().st_size}


TASKS = {task.__name__: task for task in (find, check, look, leaderboard, report)}


def measure(task, folder, count):
    """Run a task, and print its seconds and the peak of its memory, in MiB."""
    import zoo.benchmarking.grid

    if task == "report":
        import zoo.report.write  # noqa: F401
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    told = TASKS[task](folder, count)
    seconds = told if isinstance(told, float) else time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {"seconds": round(seconds, 3), "memory_mb": round(peak / 1024), "more_mb": round((peak - before) / 1024)}
    print(json.dumps(figures | (told if isinstance(told, dict) else {})))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--folder", type=Path, help="keep the runs in this folder, or use those in it")
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS))
    parser.add_argument("--task", choices=["fill", *TASKS], help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    if arguments.task == "fill":
        fill(arguments.folder, arguments.runs)
    elif arguments.task is not None:
        measure(arguments.task, arguments.folder / "runs", arguments.runs)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            measure_all(arguments.folder or Path(temporary), arguments)


def measure_all(folder, arguments):
    """Measure each task in a process of its own."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "ZOO_CACHE": str(folder / "cache")}

    def run(task):
        command = [sys.executable, __file__, "--task", task, "--folder", str(folder), "--runs", str(arguments.runs)]
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout

    if not (folder / "runs").exists():
        run("fill")
    result = {"runs": arguments.runs, "seeds": SEEDS, "processors": os.cpu_count(), "tasks": {}}
    for task in arguments.tasks:
        result["tasks"][task] = json.loads(run(task).splitlines()[-1])
        print(task, result["tasks"][task], file=sys.stderr)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
