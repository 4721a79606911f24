"""One cell of a grid in a separate process: ``python -m zoo.benchmarking.worker CELL REPORT``."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading

from zoo.registry.isolation.leftovers import leave

GONE = 75  # The exit status of a worker whose benchmark is gone; it is never read.


def _end_with_parent() -> None:
    """End this process at once when its parent ends, for whatever reason; the run can be resumed."""
    # Not through sys.stdin, whose lock this thread would hold when the interpreter ends.
    os.read(0, 1)
    os._exit(GONE)


def main() -> int:
    """Train the run, append what it is doing to the report as lines of JSON, and print on stderr why it failed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from zoo.benchmarking.cells import Cell, run_cell
    from zoo.benchmarking.executor import WARNING
    from zoo.errors import ZooError
    from zoo.progress import Moment

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{WARNING}%(message)s"))
    logging.getLogger("zoo").addHandler(handler)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)

    def tell(moment: Moment) -> None:
        report.write(json.dumps(vars(moment)) + "\n")

    try:
        with open(sys.argv[2], "a", encoding="utf-8", buffering=1) as report:
            run_cell(Cell.from_json(sys.argv[1]), progress=tell)
    except (ZooError, TypeError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
