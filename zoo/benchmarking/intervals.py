"""Means over seeds and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np


class Summary(TypedDict):
    """A mean over seeds; ``low`` and ``high`` bound its 95 % interval and are None for one seed."""

    mean: float
    low: float | None
    high: float | None
    n: int


def summarise(values: Sequence[float]) -> Summary:
    """Return the mean and its 95 % interval, by Student's t distribution with n - 1 degrees of freedom.

    Args:
        values: one score for each seed.
    """
    from scipy import stats

    count = len(values)
    mean = float(np.mean(values))
    if count < 2:
        return {"mean": mean, "low": None, "high": None, "n": count}
    half = float(stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
    return {"mean": mean, "low": mean - half, "high": mean + half, "n": count}
