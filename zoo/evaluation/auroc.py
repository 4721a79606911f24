"""How well a score tells two sets of images apart: the area under the receiver operating characteristic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from zoo.data.tensors import as_array

Array = npt.NDArray[np.float64]
_NORMAL = 1.959963984540054  # Its 97.5 % quantile.


@dataclass(frozen=True)
class Auroc:
    """The area under the receiver operating characteristic, with its 95 % interval.

    Attributes:
        value: the probability that an outlier has the higher score, with half of that of equal scores; 0.5 is chance,
            and below 0.5 the score is the wrong way round.
        low: the lower bound of the interval.
        high: its upper bound.
        inside: the number of images that are no outliers.
        outside: the number of outliers.
    """

    value: float
    low: float
    high: float
    inside: int
    outside: int


def auroc(inside: Any, outside: Any) -> Auroc:
    """Return how well a score tells outliers from other images.

    The variance is that of DeLong et al. (1988), computed by ranks (Sun and Xu 2014); the interval is symmetric in the
    logit. Where one set is wholly above the other that variance is zero, so the interval is that of Newcombe (2006,
    method 5).

    Args:
        inside: the scores of images like those that the model was trained on, ``(n,)``.
        outside: the scores of others, which should be higher, ``(m,)``.

    Returns:
        The area and its interval.

    Raises:
        ValueError: fewer than two scores on a side, or one that is not a finite number.
    """
    first, second = (_check(values, name) for values, name in ((outside, "outside"), (inside, "inside")))
    ranks = _midranks(np.concatenate([first, second]))
    above = (ranks[: len(first)] - _midranks(first)) / len(second)  # For each outlier the share of others below it.
    below = 1.0 - (ranks[len(first) :] - _midranks(second)) / len(first)
    value = float(above.mean())
    deviation = math.sqrt(above.var(ddof=1) / len(first) + below.var(ddof=1) / len(second))
    if deviation == 0.0 or not 0.0 < value < 1.0:
        low, high = _score_interval(value, len(first), len(second))
    else:
        half = _NORMAL * deviation / (value * (1.0 - value))
        middle = math.log(value / (1.0 - value))
        low, high = (1.0 / (1.0 + math.exp(-min(max(it, -700.0), 700.0))) for it in (middle - half, middle + half))
    return Auroc(value, low, high, len(second), len(first))


def _check(values: Any, name: str) -> Array:
    array = as_array(values, np.float64)
    if array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all():
        raise ValueError(f"{name}: got scores of shape {array.shape}; expected at least two finite numbers in a row")
    return array


def _midranks(values: Array) -> Array:
    """Return the rank of each value from 1, the mean rank for equal ones."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Array = (ends - 0.5 * (counts - 1))[places]
    return ranks


def _score_interval(value: float, first: int, second: int) -> tuple[float, float]:
    """Return the areas that differ from ``value`` by 1.96 of their own standard deviations (Newcombe 2006)."""
    more = 0.5 * (first + second) - 1.0

    def excess(area: float) -> float:
        spread = 1.0 + more * (1.0 - area) / (2.0 - area) + more * area / (1.0 + area)
        return (area - value) ** 2 - _NORMAL**2 * area * (1.0 - area) * spread / (first * second)

    low = 0.0 if value == 0.0 else float(brentq(excess, 0.0, value - 1e-12))
    high = 1.0 if value == 1.0 else float(brentq(excess, value + 1e-12, 1.0))
    return low, high
