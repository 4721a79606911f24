"""The scores that plugins add to a result."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from zoo.errors import UnknownNameError, one_line
from zoo.registry import catalogue
from zoo.registry.isolation.calls import called
from zoo.registry.messages import explain_unknown
from zoo.registry.references import resolve_reference
from zoo.registry.scoring_specs import Metric
from zoo.score import DESCRIPTIONS
from zoo.shown import show


def choose_metrics(names: Iterable[str] | None) -> list[Metric]:
    """Return the metrics with these names; None: all that plugins provide.

    Raises:
        UnknownNameError: there is no such metric.
        TypeError: the names are not a list of names.
    """
    known = catalogue.metrics()
    if names is None:
        return list(known.values())
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"metrics is {names!r}: expected a list of names, such as {list(known)[:3]}")
    chosen = list(dict.fromkeys(names))
    for name in chosen:
        if name not in known:
            raise UnknownNameError(
                explain_unknown(name, "metric", known, "zoo list --metrics", catalogue.list_plugins())
            )
    return [known[name] for name in chosen]


def plugin_scores(metrics: list[Metric], model: Any, images: np.ndarray, reconstructions: np.ndarray) -> dict[str, Any]:
    """Return the scores of metrics, and under ``metrics`` what describes them; None for one that fails, with a warning.

    Args:
        metrics: the metrics.
        model: the model.
        images: ``(n, H, W, C)``, float32 in [0, 1], as the model is compared with them.
        reconstructions: the same.
    """
    values: dict[str, Any] = {}
    for metric in metrics:
        try:
            values[metric.name] = _compute(metric, model, images, reconstructions)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            values[metric.name] = None
            plugin = "" if metric.plugin is None else f" of plugin {metric.plugin.name}"
            reason = (
                one_line(error) if isinstance(error, _NoScoreError) else f"{type(error).__name__}: {one_line(error)}"
            )
            warnings.warn(show(f"the score {metric.name}{plugin} is left out: {reason}"), stacklevel=3)
    return values | ({DESCRIPTIONS: {it.name: it.describe() for it in metrics}} if values else {})


class _NoScoreError(ValueError):
    """What a metric returned is no score."""


def _compute(metric: Metric, model: Any, images: np.ndarray, reconstructions: np.ndarray) -> float:
    function = resolve_reference(metric.function)
    expected: tuple[int, ...] = () if metric.of == "model" else (len(images),)
    # Copies: a function that changes its arguments must not change what the others are given.
    given = (model, images.copy()) if metric.of == "model" else (images.copy(), reconstructions.copy())
    with called(f"the score {metric.name}"):
        found = np.asarray(function(*given))
    if found.shape != expected or found.dtype.kind not in "iufb":
        wanted = f"one number for each image, {expected}" if expected else "one number"
        raise _NoScoreError(f"it returned {found.dtype} of shape {found.shape}: expected {wanted}")
    value = float(np.mean(found, dtype="float64"))
    if not math.isfinite(value):
        raise _NoScoreError(f"its mean is {value}: expected a finite number")
    return value
