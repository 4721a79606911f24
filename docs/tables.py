"""Rewrites the tables of README.md and of docs/: ``python docs/tables.py``.

Each table is placed between ``<!-- tables:NAME -->`` and ``<!-- /tables:NAME -->``. The sources are the registry, the
table of scores in ``zoo/score_names.py``, ``docs/benchmark.json``, which is the ``leaderboard.json`` of a
``zoo benchmark``, ``docs/leaderboard/``, which ``docs/leaderboard.py`` makes, ``docs/results.json``, which
``docs/results.py`` collects, and ``docs/speed.json`` and ``docs/quality.json``, which the scripts in ``benchmarks/``
write. ``docs/compress_images.py`` measures what is in ``docs/compression.json``, ``docs/find_outliers.py`` what is in
``docs/outliers.json``, ``docs/compare_samplers.py`` what is in ``docs/samplers.json``, ``docs/compare_codes.py`` what
is in ``docs/codes.json``, ``docs/compare_conditional.py`` what is in ``docs/conditional.json``, ``docs/sizes.py`` what
is in ``docs/sizes.json``, and the scripts in ``benchmarks/`` also what is in ``docs/many_runs.json`` and
``docs/two_nodes.json``.
"""

import json
import re
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))  # The scripts that make some of the tables.
from cluster_tables import make_many_runs, make_two_nodes  # noqa: E402
from markdown_table import to_markdown  # noqa: E402
from result_tables import make_results  # noqa: E402
from speed_tables import make_speed  # noqa: E402

FILLED = (
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in (
            "benchmark",
            "cluster",
            "compression",
            "conditional",
            "guide",
            "leaderboard",
            "outliers",
            "plugins",
            "results",
            "samplers",
            "scores",
            "speed",
        )
    ),
)
BENCHMARK = ROOT / "docs" / "benchmark.json"
LEADERBOARD = ROOT / "docs" / "leaderboard" / "leaderboard.json"
MARKERS = re.compile(r"(<!-- tables:(\w+) -->\n).*?(<!-- /tables:\2 -->)", re.DOTALL)


def fill_tables(text: str) -> str:
    """Return the text with every table regenerated."""
    return MARKERS.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def make_models() -> str:
    """Return the zoo's own architectures, with the recorded numbers of parameters for their presets."""
    import zoo

    rows = [["architecture", "summary", "parameters, MNIST", "parameters, CIFAR-10", "source"]]
    for name in zoo.list_models():
        info = zoo.get_model_info(name)
        if info.plugin is not None and info.plugin.distribution == "autoencoder-zoo":
            counts = [_parameters(f"{name}/{dataset}") for dataset in ("mnist", "cifar10")]
            rows.append([f"`{name}`", info.summary, *counts, _link_papers(info.source or "-")])
    return to_markdown(rows, numbers=(2, 3))


def make_headline() -> str:
    """Return one table of five columns from ``docs/benchmark.json``, with an explanation."""
    tables = json.loads(BENCHMARK.read_text(encoding="utf-8"))["tables"]
    rows = [["preset", "-ELBO, nats/image", "bits/dim", "parameters", "training images/s"]]
    for row in (row for table in tables for row in table["rows"]):
        scores = [_mean_and_interval(row[name], digits) for name, digits in (("negative_elbo", 1), ("bits_per_dim", 3))]
        speed = f"{row['train_images_per_second']:,.0f}"
        rows.append([f"`{row['preset']}`", *scores, f"{row['parameters']:,}", speed])
    sets = [f"{table['images']:,} images of `{table['dataset']}` after {table['epochs']} epochs" for table in tables]
    likelihoods, parts = ({table[key] for table in tables} for key in ("likelihood", "part"))
    seeds = {len(row["seeds"]) for table in tables for row in table["rows"]}
    if max(map(len, (likelihoods, parts, seeds))) > 1:
        raise SystemExit(f"{BENCHMARK}: tables that differ in likelihood, part or number of seeds need more columns")
    return (
        f"{to_markdown(rows, numbers=range(1, 5))}\nScores on the {parts.pop()} split ({' and '.join(sets)}), "
        f"likelihood `{likelihoods.pop()}`: mean over {seeds.pop()} seeds ± half the 95 % interval (Student's t).\n"
    )


def _mean_and_interval(summary: dict[str, float], digits: int) -> str:
    return f"{summary['mean']:,.{digits}f} ± {summary['high'] - summary['mean']:,.{digits}f}"


def make_benchmark() -> str:
    """Return the tables of ``docs/benchmark.json``."""
    return _boards(BENCHMARK)


def make_leaderboard() -> str:
    """Return the tables of ``docs/leaderboard/``."""
    return _boards(LEADERBOARD)


def _boards(file: Path) -> str:
    """Return the tables of a ``leaderboard.json``; an empty text if it does not exist."""
    if not file.exists():
        return ""
    from zoo.benchmarking.table import Table
    from zoo.benchmarking.text import describe_table, explain_table, table_cells

    content = json.loads(file.read_text(encoding="utf-8"))
    if content["failed"]:
        raise SystemExit(f"{file} contains failed runs: {content['failed']}")
    parts = []
    for table in map(Table.from_dict, content["tables"]):
        rows = table_cells(table)
        parts.append(
            f"{describe_table(table)}\n\n{to_markdown(rows, numbers=range(1, len(rows[0])))}\n{explain_table(table)}\n"
        )
    return "\n".join(parts)


def make_scores() -> str:
    """Return the table of scores: name in a result, title, unit, better direction and definition of each."""
    from zoo.score_names import SCORES

    rows = [["score", "title", "unit", "better", "what it is"]]
    rows += [[f"`{it.key}`", it.title, it.unit, it.direction, it.definition.replace("|", "\\|")] for it in SCORES]
    return to_markdown(rows, numbers=())


def make_checks() -> str:
    """Return the rules of the conformance kit."""
    from zoo.testing.catalogue import list_checks

    rows = [["check", "rule", ""]]
    for kind in ("architecture", "dataset", "likelihood", "metric"):
        rows += [[f"`{item.name}`", item.rule, "slow" if item.slow else ""] for item in list_checks(kind)]
    return to_markdown(rows, numbers=())


def _parameters(preset: str) -> str:
    import zoo

    count = zoo.get_model_info(preset).reference.get("parameters")
    return "-" if count is None else f"{count:,}"


def _link_papers(source: str) -> str:
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", source)


def make_sizes() -> str:
    """Return the cost of the architectures for images of several sizes, from ``docs/sizes.json``."""
    from sizes import make_rows

    rows, explanation = make_rows()
    return f"{to_markdown(rows, numbers=range(3, 6))}\n{explanation}\n"


def make_compression() -> str:
    """Return the bits that images take without loss, from ``docs/compression.json``."""
    from compress_images import make_rows

    tables, explanation = make_rows()
    return "\n".join(
        [*(to_markdown(rows, numbers=range(2 - n, 9)) for n, rows in enumerate(tables)), f"{explanation}\n"]
    )


def make_outliers() -> str:
    """Return how well anomaly scores tell other images, from ``docs/outliers.json``."""
    from find_outliers import make_rows

    return to_markdown(make_rows(), numbers=range(2, 8))


def make_samplers() -> str:
    """Return how good samples are by every sampler, from ``docs/samplers.json``."""
    from compare_samplers import make_rows

    rows, explanation = make_rows()
    return f"{to_markdown(rows, numbers=range(1, 5))}\n{explanation}\n"


def make_conditional() -> str:
    """Return what labels do for a model, from ``docs/conditional.json``."""
    from compare_conditional import make_rows

    scores, digits, explanation = make_rows()
    return f"{to_markdown(scores, numbers=range(1, 4))}\n{to_markdown(digits, numbers=range(1, 12))}\n{explanation}\n"


def make_codes() -> str:
    """Return what learned and rounded codes cost and how their samples are, from ``docs/codes.json``."""
    from compare_codes import make_rows

    costs, samples, explanation = make_rows()
    return f"{to_markdown(costs, numbers=range(2, 8))}\n{to_markdown(samples, numbers=range(2, 5))}\n{explanation}\n"


TABLES = {
    "models": make_models,
    "sizes": make_sizes,
    "compression": make_compression,
    "outliers": make_outliers,
    "conditional": make_conditional,
    "samplers": make_samplers,
    "codes": make_codes,
    "headline": make_headline,
    "benchmark": make_benchmark,
    "many_runs": make_many_runs,
    "two_nodes": make_two_nodes,
    "mnist_binary": partial(make_results, "mnist_binary"),
    "cifar10": partial(make_results, "cifar10"),
    "speed": make_speed,
    "checks": make_checks,
    "scores": make_scores,
    "leaderboard": make_leaderboard,
}

if __name__ == "__main__":
    # Import the zoo from this checkout, not an installed one.
    sys.path.insert(0, str(ROOT))
    for path in FILLED:
        path.write_text(fill_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
