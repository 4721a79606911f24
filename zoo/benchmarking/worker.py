"""One cell of a grid in a separate process: ``python -m zoo.benchmarking.worker CELL [--alone]``.

Without ``--alone`` it ends when its stdin does, which is a pipe from the process that has started it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import time
from pathlib import Path

from zoo.benchmarking.process import GONE, WARNING, Task
from zoo.benchmarking.report_file import stop_file
from zoo.progress import Moment
from zoo.registry.isolation.leftovers import leave

INTERRUPTED = 130  # As of other commands; the run can be resumed.
BEAT = 5.0  # Seconds between two signs of life.


def _end_with_parent() -> None:
    """End this process at once when its parent ends, for whatever reason; the run can be resumed."""
    # Not through sys.stdin, whose lock this thread would hold when the interpreter ends.
    os.read(0, 1)
    os._exit(GONE)


def _begin(report: Path) -> None:
    """Say that this process is there."""
    with contextlib.suppress(OSError):
        report.parent.mkdir(parents=True, exist_ok=True)
        with report.open("a", encoding="utf-8") as begun:
            begun.write(json.dumps(vars(Moment("starting", 0.0, 1, None))) + "\n")


def _live(report: Path) -> None:
    """Touch the report for as long as this process lives, since an epoch may take hours."""
    while True:
        time.sleep(BEAT)
        with contextlib.suppress(OSError):
            os.utime(report)


def main() -> int:
    """Train the run, append what it is doing to the report as lines of JSON, and print on stderr why it failed."""
    task = Task.from_json(sys.argv[1])
    _begin(task.report)
    if "--alone" not in sys.argv[2:]:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=_live, args=(task.report,), daemon=True).start()
    from zoo.benchmarking.cells import Cell, run_cell
    from zoo.errors import ZooError

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{WARNING}%(message)s"))
    logging.getLogger("zoo").addHandler(handler)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)

    stop = stop_file(task.report)

    def tell(moment: Moment) -> None:
        if stop.exists():
            raise KeyboardInterrupt
        # A full disk is the training's to tell of, if it is still full when an epoch is saved.
        with contextlib.suppress(OSError):
            report.write(json.dumps(vars(moment)) + "\n")

    try:
        with open(task.report, "a", encoding="utf-8", buffering=1) as report:
            run_cell(Cell.from_json(task.text), progress=tell)
    except (ZooError, TypeError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt as stopped:
        print(stopped, file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    leave(main())
