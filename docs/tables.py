"""Rewrites the tables of README.md and docs/results.md: ``python docs/tables.py``.

A table stands between ``<!-- tables:NAME -->`` and ``<!-- /tables:NAME -->``. They are made from the registry, from
``docs/benchmark.json``, which is the ``leaderboard.json`` of a ``zoo benchmark``, and from ``docs/results.json``, which
``docs/results.py`` collects.
"""

import json
import re
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILLED = (ROOT / "README.md", ROOT / "docs" / "results.md")
BENCHMARK = ROOT / "docs" / "benchmark.json"
RESULTS = ROOT / "docs" / "results.json"
MARKERS = re.compile(r"(<!-- tables:(\w+) -->\n).*?(<!-- /tables:\2 -->)", re.DOTALL)


def fill_tables(text: str) -> str:
    """Give the text with every table made anew."""
    return MARKERS.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def make_models() -> str:
    """Give the zoo's own architectures, with the recorded numbers of parameters of their presets."""
    import zoo

    rows = [["architecture", "summary", "parameters, MNIST", "parameters, CIFAR-10", "source"]]
    for name in zoo.list_models():
        info = zoo.get_model_info(name)
        if info.plugin is not None and info.plugin.distribution == "autoencoder-zoo":
            counts = [_parameters(f"{name}/{dataset}") for dataset in ("mnist", "cifar10")]
            rows.append([f"`{name}`", info.summary, *counts, _link_papers(info.source or "-")])
    return _markdown(rows, numbers=(2, 3))


def make_benchmark() -> str:
    """Give the tables of ``docs/benchmark.json``; nothing while there is none."""
    if not BENCHMARK.exists():
        return ""
    from zoo.benchmarking.leaderboard import describe_table, explain_table, table_cells

    content = json.loads(BENCHMARK.read_text(encoding="utf-8"))
    if content["failed"]:
        raise SystemExit(f"{BENCHMARK}: has runs that failed: {content['failed']}")
    parts = []
    for table in content["tables"]:
        rows = table_cells(table)
        parts.append(
            f"{describe_table(table)}\n\n{_markdown(rows, numbers=range(1, len(rows[0])))}\n{explain_table(table)}\n"
        )
    return "\n".join(parts)


def make_results(name: str) -> str:
    """Give the scores of the runs of one group of ``docs/results.json``, and how they were learned."""
    runs = json.loads(RESULTS.read_text(encoding="utf-8"))[name]
    columns = {
        "-ELBO": [(run["scores"]["negative_elbo"], 2) for run in runs],
        "bits/dim": [(run["scores"]["bits_per_dim"], 3) for run in runs],
        **{
            title: [_bound(run, images) for run in runs]
            for images, title in sorted((bound["data"]["images"], _title(bound)) for bound in runs[0]["bounds"])
        },
        "KL": [(run["scores"]["kl"], 2) for run in runs],
        "active units": [(run["scores"]["active_units"], 0) for run in runs],
        "best epoch": [(run["best"]["epoch"], 0) for run in runs],
    }
    columns = {title: cells for title, cells in columns.items() if any(value is not None for value, _ in cells)}
    rows = [["seed", *columns]]
    rows += [
        [str(run["config"]["seed"]), *(_decimal(*cells[number]) for cells in columns.values())]
        for number, run in enumerate(runs)
    ]
    if len(runs) > 1:
        rows.append(["mean ± half the 95 % interval", *(_interval(cells) for cells in columns.values())])
    epochs = [epoch for epoch in (1, 2, 5, 10, 20, 30, 40) if epoch <= len(runs[0]["validation"])]
    curve = [["after epoch", *map(str, epochs)]]
    curve += [
        [f"seed {run['config']['seed']}", *(f"{run['validation'][epoch - 1]:,.2f}" for epoch in epochs)] for run in runs
    ]
    return (
        f"{_markdown(rows, numbers=range(1, len(rows[0])))}\nValidation -ELBO while it learns:\n\n"
        f"{_markdown(curve, numbers=range(1, len(curve[0])))}"
    )


def _title(bound: dict[str, Any]) -> str:
    return f"-log p(x), k = {bound['iwae']['k']:,}, {bound['data']['images']:,} images"


def _bound(run: dict[str, Any], images: int) -> tuple[float | None, int]:
    return next((bound["iwae"]["nats"] for bound in run["bounds"] if bound["data"]["images"] == images), None), 2


def _decimal(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _interval(cells: Iterable[tuple[float | None, int]]) -> str:
    from zoo.benchmarking.intervals import summarise

    values, digits = zip(*cells, strict=True)
    if None in values or digits[0] == 0:
        return ""
    found = summarise(values)
    return f"{found['mean']:,.{digits[0]}f} ± {found['high'] - found['mean']:,.{digits[0]}f}"


def _parameters(preset: str) -> str:
    import zoo

    count = zoo.get_model_info(preset).reference.get("parameters")
    return "-" if count is None else f"{count:,}"


def _link_papers(source: str) -> str:
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", source)


def _markdown(rows: list[list[str]], numbers: tuple[int, ...] | range) -> str:
    header, *others = rows
    rule = ["--:" if column in numbers else "---" for column in range(len(header))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, rule, *others))


TABLES = {
    "models": make_models,
    "benchmark": make_benchmark,
    "mnist_binary": partial(make_results, "mnist_binary"),
    "cifar10": partial(make_results, "cifar10"),
}

if __name__ == "__main__":
    # The registry of this checkout, not that of an installed zoo.
    sys.path.insert(0, str(ROOT))
    for path in FILLED:
        path.write_text(fill_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
