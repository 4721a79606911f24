"""Precision and recall of samples, by the k nearest neighbours of features."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Array = npt.NDArray[np.float64]
_ROWS = 1000  # Distances are computed for so many at a time.


def neighbour_radii(features: Array, k: int) -> Array:
    """Return the distance of each of ``(n, d)`` from the k-th nearest of the others, ``(n,)``."""
    parts = [np.partition(cdist(block, features), k, axis=1)[:, k] for block in _blocks(features)]
    return np.concatenate(parts)


def lie_within(points: Array, features: Array, radii: Array) -> npt.NDArray[np.bool_]:
    """Return which of the points ``(m, d)`` lie in one of the balls around features ``(n, d)``, ``(m,)``.

    The union of the balls, each of which reaches to the k-th nearest of the others, stands for the manifold that the
    features lie on (Kynkaanniemi et al. 2019, equation 1).
    """
    return np.concatenate([(cdist(block, features) <= radii).any(axis=1) for block in _blocks(points)])


def share_interval(share: float, count: int, quantile: float) -> tuple[float, float]:
    """Return the interval of a share of ``count`` (Wilson 1927), which has a width at 0 and 1 too."""
    spread = quantile**2 / count
    middle = (share + spread / 2.0) / (1.0 + spread)
    half = quantile / (1.0 + spread) * math.sqrt(share * (1.0 - share) / count + spread / (4.0 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _blocks(features: Array) -> list[Array]:
    return [features[start : start + _ROWS] for start in range(0, len(features), _ROWS)]
