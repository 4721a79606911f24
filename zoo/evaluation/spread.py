"""The variance of values that come in parts."""

from __future__ import annotations

import numpy as np


class Spread:
    """The variance of values that come in parts (Chan et al. 1983, equation 1.5)."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, np.zeros(()), np.zeros(())

    def add(self, values: np.ndarray) -> None:
        """Add some rows."""
        count, mean = self.count + len(values), values.mean(axis=0)
        step = mean - self.mean
        self.squares = self.squares + np.square(values - mean).sum(axis=0) + step**2 * self.count * len(values) / count
        self.mean = self.mean + step * len(values) / count
        self.count = count

    @property
    def variance(self) -> np.ndarray:
        """The mean square of the differences from the mean, for each column."""
        variance: np.ndarray = self.squares / self.count
        return variance
