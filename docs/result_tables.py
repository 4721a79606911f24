"""The tables of ``docs/results.md``, from ``docs/results.json``."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markdown_table import to_markdown

RESULTS = Path(__file__).resolve().parent / "results.json"


def make_results(name: str) -> str:
    """Return the scores and the learning curves of the runs in one group of ``docs/results.json``."""
    runs = json.loads(RESULTS.read_text(encoding="utf-8"))[name]
    columns = {
        **_score_columns(runs, "negative_elbo", "bits_per_dim"),
        **{
            title: [_bound(run, images) for run in runs]
            for images, title in sorted((bound["data"]["images"], _title(bound)) for bound in runs[0]["bounds"])
        },
        **_score_columns(runs, "kl", "active_units"),
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
        f"{to_markdown(rows, numbers=range(1, len(rows[0])))}\nValidation -ELBO during training:\n\n"
        f"{to_markdown(curve, numbers=range(1, len(curve[0])))}"
    )


def _score_columns(runs: list[dict[str, Any]], *names: str) -> dict[str, list[tuple[float | None, int]]]:
    """Return columns by title: for each run a score and its digits."""
    from zoo.score_names import score_at

    return {
        score.heading: [(run["scores"][name], _digits(run["scores"][name], score.digits)) for run in runs]
        for name, score in ((name, score_at(name)) for name in names)
    }


def _digits(value: float | None, digits: int) -> int:
    return 0 if isinstance(value, int) else digits


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
    return f"{found.mean:,.{digits[0]}f} ± {found.half:,.{digits[0]}f}"
