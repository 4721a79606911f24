"""Means over seeds and their confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit  # scipy.stats has it too, and takes a second to import.


@dataclass(frozen=True)
class Summary:
    """A mean over seeds.

    Args:
        mean: the mean.
        low: the lower bound of its 95 % interval; None for one seed.
        high: the upper bound.
        n: the number of seeds.
    """

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def half(self) -> float | None:
        """Half of the interval; None for one seed."""
        return None if self.high is None else self.high - self.mean

    @property
    def std(self) -> float | None:
        """The standard deviation over seeds (n - 1 degrees of freedom); None for one seed."""
        return None if self.half is None else float(self.half * np.sqrt(self.n) / stdtrit(self.n - 1, 0.975))


def summarise(values: Sequence[float]) -> Summary:
    """Return the mean and its 95 % interval, by Student's t distribution with n - 1 degrees of freedom.

    Args:
        values: one score for each seed.
    """
    count = len(values)
    mean = float(np.mean(values))
    if count < 2:
        return Summary(mean, None, None, count)
    half = float(stdtrit(count - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(count))
    return Summary(mean, mean - half, mean + half, count)
