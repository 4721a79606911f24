"""Rewrites the tables of README.md from the registry and docs/benchmark.json: ``python docs/tables.py``.

A table stands between ``<!-- tables:NAME -->`` and ``<!-- /tables:NAME -->``. ``docs/benchmark.json`` is the
``leaderboard.json`` of a ``zoo benchmark``.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BENCHMARK = ROOT / "docs" / "benchmark.json"
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


TABLES = {"models": make_models, "benchmark": make_benchmark}

if __name__ == "__main__":
    # The registry of this checkout, not that of an installed zoo.
    sys.path.insert(0, str(ROOT))
    README.write_text(fill_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
