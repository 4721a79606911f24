"""The scores that plugins add to a result."""

from __future__ import annotations

import math
import warnings
from collections.abc import Container, Iterable
from typing import Any

import numpy as np

from zoo.data.tensors import as_array
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


class PluginScores:
    """The scores of metrics, computed of some images after the other; one that fails is left out, with a warning.

    Args:
        metrics: the metrics.
        model: the model.
    """

    def __init__(self, metrics: list[Metric], model: Any) -> None:
        self.metrics, self.model = metrics, model
        self.totals = dict.fromkeys((it.name for it in metrics), 0.0)
        self.failed: dict[str, BaseException] = {}
        self.count = 0
        self.images: list[np.ndarray] = []  # Only for metrics of a model, which are given all of them at once.

    def add(self, images: np.ndarray, reconstructions: np.ndarray) -> None:
        """Take some images.

        Args:
            images: ``(n, H, W, C)``, float32 in [0, 1], as the model is compared with them.
            reconstructions: the same.
        """
        self.count += len(images)
        for metric in self.metrics:
            if metric.of != "model":
                # Copies: a function that changes its arguments must not change what the others are given.
                self._compute(metric, (len(images),), images.copy(), reconstructions.copy())
        if any(metric.of == "model" for metric in self.metrics):
            self.images.append(images)

    def result(self, others: Container[str]) -> dict[str, Any]:
        """Return the scores, and under ``metrics`` what describes them; without those with the names of others."""
        metrics = [metric for metric in self.metrics if metric.name not in others]
        values: dict[str, Any] = {}
        for metric in metrics:
            if metric.of == "model":
                self._compute(metric, (), self.model, np.concatenate(self.images))
            value = self.totals[metric.name] / (1 if metric.of == "model" else self.count)
            if not math.isfinite(value):
                self.failed.setdefault(metric.name, _NoScoreError(f"its mean is {value}: expected a finite number"))
            error = self.failed.get(metric.name)
            values[metric.name] = value if error is None else None
            if error is not None:
                plugin = "" if metric.plugin is None else f" of plugin {metric.plugin.name}"
                reason = one_line(error)
                if not isinstance(error, _NoScoreError):
                    reason = f"{type(error).__name__}: {reason}"
                warnings.warn(show(f"the score {metric.name}{plugin} is left out: {reason}"), stacklevel=3)
        return values | ({DESCRIPTIONS: {it.name: it.describe() for it in metrics}} if values else {})

    def _compute(self, metric: Metric, expected: tuple[int, ...], *given: Any) -> None:
        if metric.name in self.failed:
            return
        try:
            self.totals[metric.name] += _compute(metric, expected, given)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.failed[metric.name] = error


class _NoScoreError(ValueError):
    """What a metric returned is no score."""


def _compute(metric: Metric, expected: tuple[int, ...], given: tuple[Any, ...]) -> float:
    """Return the sum of what a metric's function returns, which must have a shape."""
    function = resolve_reference(metric.function)
    with called(f"the score {metric.name}"):
        found = as_array(function(*given))
    if found.shape != expected or found.dtype.kind not in "iufb":
        wanted = f"one number for each image, {expected}" if expected else "one number"
        raise _NoScoreError(f"it returned {found.dtype} of shape {found.shape}: expected {wanted}")
    return float(np.sum(found, dtype="float64"))
