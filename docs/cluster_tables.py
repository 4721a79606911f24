"""What many runs and a second node cost and bring, from what the scripts in ``benchmarks/`` measured."""

import json
from pathlib import Path
from typing import Any

from markdown_table import to_markdown

DOCS = Path(__file__).resolve().parent


def make_many_runs() -> str:
    """Return what a benchmark's own process does with thousands of runs, from ``docs/many_runs.json``."""
    content = _read("many_runs")
    runs, rows = content["runs"], [["task", "seconds", "ms for each run", "peak memory, MB"]]
    titles = {
        "find": "finding the run folders",
        "check": "checking which cells of the grid are done, file by file",
        "look": "one look at all runs while they are under way",
        "leaderboard": "making and writing the leaderboard",
        "report": "making the report",
    }
    for task, title in titles.items():
        found = content["tasks"][task]
        cells = (f"{found['seconds']:,.1f}", f"{1000 * found['seconds'] / runs:,.2f}", f"{found['memory_mb']:,}")
        rows.append([title, *cells])
    models, seeds, processors = -(-runs // content["seeds"]), content["seeds"], content["processors"]
    size = content["tasks"]["report"]["bytes"] / 1e6
    measured = f"{runs:,} runs: {models:,} models with {seeds} seeds each, on {processors} processors and a local disk."
    explanation = f"The memory includes that of Keras and TensorFlow; the report has {size:,.0f} MB."
    return f"{to_markdown(rows, numbers=range(1, 4))}\n{measured} {explanation}\n"


def make_two_nodes() -> str:
    """Return what a second node of a Ray cluster brings, from ``docs/two_nodes.json``."""
    content = _read("two_nodes")
    rows = [["nodes of one processor", *(f"round {number}, s" for number, _ in enumerate(content["ratios"], 1))]]
    rows += [[nodes, *(f"{it:,.1f}" for it in seconds)] for nodes, seconds in content["seconds"].items()]
    rows.append(["ratio", *(f"{it:.2f}" for it in content["ratios"])])
    explanation = (
        f"{content['cells']} runs of `{content['preset']}` with {content['epochs']} epochs, one after another on one "
        f"node and two at a time on two, which are processes of one machine: {content['ratio']:.2f} times the "
        "throughput (median). The time is that from the call to the end of the last run."
    )
    return f"{to_markdown(rows, numbers=range(1, len(rows[0])))}\n{explanation}\n"


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / f"{name}.json").read_text(encoding="utf-8"))
    return found
