"""Comparison of two results, if they may be compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import IncomparableError
from zoo.files import read_json
from zoo.score import DESCRIPTIONS, described_scores
from zoo.score_names import SCORES
from zoo.shown import show

if TYPE_CHECKING:
    from zoo.runs.run import Run

# The facts that two results must agree in: their paths in a result and their titles. The leaderboard groups its tables
# by these too.
FACTS: dict[str, tuple[tuple[str, ...], str]] = {
    "dataset": (("data", "dataset"), "dataset"),
    "part": (("data", "part"), "part"),
    "sha256": (("data", "sha256"), "SHA-256"),
    "images": (("data", "images"), "number of images"),
    "likelihood": (("likelihood",), "likelihood"),
    "binarization": (("binarization",), "binarization"),
    "k": (("iwae", "k"), "k of the importance-weighted bound"),
    "seed": (("seed",), "seed of the draws"),
}
NO_EVIDENCE = "one run each is no evidence: the difference may be chance; zoo benchmark --seeds 3 computes intervals"
SAME_MACHINE = "; times and memory compare the models only if both were measured on one idle machine"


def compare(
    first: Mapping[str, Any] | Run | str | Path, second: Mapping[str, Any] | Run | str | Path
) -> dict[str, Any]:
    """Return the difference between two results that were obtained in the same way.

    Args:
        first: a result of ``zoo.evaluate``, a run, a run folder, or an output file of ``zoo evaluate --json``.
        second: the same.

    Returns:
        A dict for JSON.

        - ``facts``: what both have in common: ``dataset``, ``part``, ``sha256`` and number of ``images``,
          ``likelihood``, ``binarization``, ``k`` of the importance-weighted bound (None: neither has it) and ``seed``
          of the draws.
        - ``first``, ``second``: the scores of each, nested as in a result; for runs the cost too. The KL divergence
          of each latent is left out, since the latents of two models have no common order.
        - ``difference``: second - first, for each score that both have.
        - ``metrics``: what describes the scores of plugins, as in a result; absent if neither has any.
        - ``note``: what the difference does not show.

    Raises:
        IncomparableError: the results differ in a fact, one is of bare images, or one is a run that did not finish.
        RunError: a run folder cannot be read.
        ValueError: an argument is not a result.

    Example:
        ```python
        zoo.compare(run, zoo.evaluate(other_model, dataset.test))["difference"]["negative_elbo"]
        ```
    """
    results = [_read(source) for source in (first, second)]
    facts = [read_facts(result) for result in results]
    if any(found["sha256"] is None for found in facts):
        raise IncomparableError(
            "a result of bare images does not say which images they are: score a Split, such as "
            "zoo.load_dataset(...).test, instead of an array"
        )
    different = [
        f"{title} ({_show(facts[0][name])} and {_show(facts[1][name])})"
        for name, (_, title) in FACTS.items()
        if facts[0][name] != facts[1][name]
    ]
    if different:
        raise IncomparableError(
            f"the two results cannot be compared, since they differ in {', '.join(different)}: score both on the same "
            "images with the same likelihood, binarization, k and seed"
        )
    scores = [_drop_facts(result) for result in results]
    one, two = (_numbers(tree) for tree in scores)
    difference = _subtract(two, one)
    note = NO_EVIDENCE + (SAME_MACHINE if set(difference.get("cost", {})) - {"flops"} else "")
    compared = {"facts": facts[0], "first": one, "second": two, "difference": difference}
    metrics = {name: it for result in results for name, it in (result.get(DESCRIPTIONS) or {}).items()}
    return compared | ({DESCRIPTIONS: metrics} if metrics else {}) | {"note": note}


def read_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that must agree before two results may be compared, by their names in ``FACTS``."""
    found = {}
    for name, (keys, _) in FACTS.items():
        value: Any = result
        for key in keys:
            value = None if value is None else value[key]
        found[name] = value
    return found


def _drop_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    scores = {name: value for name, value in result.items() if name not in ("data", "seed", DESCRIPTIONS)}
    cost = {name: value for name, value in (result.get("cost") or {}).items() if name not in scores}
    return scores | {"iwae": {"nats": (result["iwae"] or {}).get("nats")}, "cost": cost}


def _read(source: Mapping[str, Any] | Run | str | Path) -> Mapping[str, Any]:
    from zoo.runs.published import open_run
    from zoo.runs.run import Run

    shown = source if isinstance(source, str | Path) else f"an object of type {type(source).__name__}"
    if isinstance(source, str | Path):
        path = Path(source)
        source = open_run(path) if path.is_dir() else _read_file(path)
    if isinstance(source, Run):
        scores, cost = source.record.get("scores"), source.record.get("cost")
        if source.status != "finished" or scores is None:
            raise IncomparableError(
                f"{source.path}: the run is {source.status}, not finished, so it has no scores: resume it "
                "(zoo.resume, zoo train --resume), or score its model (zoo.evaluate, zoo evaluate --json)"
            )
        if not _is_result(scores) or not _is_tree(cost):
            raise ValueError(f"{source.path}: run.json is damaged: its scores or cost are not what zoo.train writes")
        return {**scores, "cost": cost}
    if not _is_result(source):
        raise ValueError(
            f"{shown} is not a result: expected a result of zoo.evaluate or zoo evaluate --json, or a run folder"
        )
    return source


def _is_result(result: Any) -> bool:
    """Return whether this has every fact of a result, each of the right type, and numbers for scores."""
    if not isinstance(result, Mapping) or not isinstance(result.get("data"), Mapping):
        return False
    if not _is_tree(result.get("cost")) or not _is_tree(result.get("iwae")):
        return False
    try:
        facts = read_facts(result)
    except (KeyError, TypeError):
        return False
    texts, counts = ("dataset", "part", "sha256"), ("images", "seed")
    return (
        all(isinstance(facts[name], str | None) for name in texts)
        and all(isinstance(facts[name], str) for name in ("likelihood", "binarization"))
        and all(isinstance(facts[name], int) for name in counts)
        and isinstance(facts["k"], int | None)
        and isinstance(result.get(DESCRIPTIONS), Mapping | None)
        and all(
            score.read(result) is None or _is_number(score.read(result))
            for score in (*SCORES, *described_scores(result))
        )
    )


def _is_tree(value: Any) -> bool:
    """Return whether this is None or a mapping whose leaves are numbers or None."""
    return value is None or (
        isinstance(value, Mapping) and all(it is None or _is_number(it) or _is_tree(it) for it in value.values())
    )


def _read_file(path: Path) -> Any:
    try:
        return read_json(path, links=True)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path}: not JSON, as zoo evaluate --json prints it: {error}") from error


def _numbers(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result's numbers, nested as in the result."""
    found = {name: _numbers(value) if isinstance(value, Mapping) else value for name, value in tree.items()}
    return {name: value for name, value in found.items() if _is_number(value) or (isinstance(value, dict) and value)}


def _subtract(these: Mapping[str, Any], those: Mapping[str, Any]) -> dict[str, Any]:
    """Return the differences of the numbers that both have."""
    found: dict[str, Any] = {}
    for name, value in these.items():
        other = those.get(name)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            found[name] = _subtract(value, other)
        elif _is_number(value) and _is_number(other):
            found[name] = value - other
    return {name: value for name, value in found.items() if value != {}}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _show(value: Any) -> str:
    if isinstance(value, str) and len(value) == 64:
        return f"{value[:12]}..."  # A SHA-256.
    return "none" if value is None else show(value, most=100)
