"""Collects the data of runs for docs/results.md in docs/results.json: ``python docs/results.py NAME RUN...``.

NAME is the group of tables. For each run it collects the configuration, the scores on the test split, the validation
-ELBO after each epoch, and the results of ``zoo evaluate --json`` stored in its folder as ``bound*.json``. Then
``python docs/tables.py`` makes the tables.
"""

import csv
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results.json"


def collect(path: Path) -> dict[str, Any]:
    """Return the data of one run."""
    import zoo

    run = zoo.Run(path)
    if run.status != "finished" or run.doubts():
        raise SystemExit("\n".join([f"{path}: {run.status}", *run.doubts()]))
    with (path / "history.csv").open(encoding="utf-8") as file:
        curve = [round(float(row["val_negative_elbo"]), 2) for row in csv.DictReader(file)]
    bounds = [json.loads(found.read_text(encoding="utf-8")) for found in sorted(path.glob("bound*.json"))]
    for bound in bounds:
        bound.pop("cost", None)
    return {
        "config": run.config,
        "packages": run.record["provenance"]["packages"],
        "best": run.best,
        "scores": run.scores,
        "bounds": bounds,
        "validation": curve,
    }


def main(name: str, *paths: str) -> None:
    """Replace one group of the file."""
    from zoo.files import write_json

    runs = sorted((collect(Path(path)) for path in paths), key=lambda run: run["config"]["seed"])
    if len({json.dumps({**run["config"], "seed": None}) for run in runs}) != 1:
        raise SystemExit("the runs differ in more than their seeds")
    groups = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    write_json(RESULTS, groups | {name: runs})


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    main(*sys.argv[1:])
