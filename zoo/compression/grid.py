"""Buckets of a latent: real numbers as whole ones, which an entropy coder can take."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from zoo.compression.stack import Stack

Array = npt.NDArray[np.float64]
SPREAD = 2.0
LEAST_BITS, MOST_BITS = 6, 16
_TINY = 1e-290


class Grid:
    """The real line in ``2**bits`` buckets of equal mass under N(0, 2^2), each of which stands for its median.

    Buckets of equal mass under the prior, N(0, 1), would end at four standard deviations, and the means of posteriors
    do not. With twice the deviation they go to more than eight, and between -3 and 3 none is four times as wide as
    another. Buckets of equal width would do as well for the rate, but not for what a coder does to improbable symbols:
    each has a probability of at least 2^-24, so a latent in some millions is drawn from the grid instead of the
    posterior, and this one hardly ever draws what no decoder has seen.

    A bucket is coded in two steps, the half of its bits that is the coarser one first, so that tables are short.

    Args:
        bits: from 6 to 16.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        fine = bits // 2
        self._coarse, self._fine = 2 ** (bits - fine), 2**fine
        count = 2**bits
        edges = SPREAD * ndtri(np.arange(count + 1) / count)  # Infinite at both ends.
        self._ends: Array = edges[:: self._fine]
        self._edges: Array = edges
        self.centres: Array = SPREAD * ndtri((np.arange(count) + 0.5) / count)

    def pop(self, stack: Stack, mean: Array, std: Array) -> npt.NDArray[np.int64]:
        """Pop buckets from N(mean, std^2), each ``(n,)`` float64; with random words on the stack, they are draws."""
        coarse = stack.pop(_masses(self._ends[None], mean, std)).astype(np.int64)
        buckets: npt.NDArray[np.int64] = coarse * self._fine + stack.pop(self._fine_masses(coarse, mean, std))
        return buckets

    def push(self, stack: Stack, buckets: npt.NDArray[np.integer], mean: Array, std: Array) -> None:
        """Push buckets, ``(n,)``, so that ``pop`` returns them."""
        coarse, fine = np.divmod(buckets, self._fine)
        stack.push(fine, self._fine_masses(coarse, mean, std))
        stack.push(coarse, _masses(self._ends[None], mean, std))

    def _fine_masses(self, coarse: npt.NDArray[np.integer], mean: Array, std: Array) -> Array:
        return _masses(self._edges[coarse[:, None] * self._fine + np.arange(self._fine + 1)], mean, std)


def _masses(edges: Array, mean: Array, std: Array) -> Array:
    """Return the mass of N(mean, std^2) between edges ``(n or 1, k + 1)``, as shares of all that is: ``(n, k)``.

    Where the normal distribution has no mass that a float64 could hold, all shares are equal.
    """
    places = (edges - mean[:, None]) / std[:, None]
    # On the side of the nearer tail, where the distribution function does not cancel.
    flipped = places[:, -1:] > -places[:, :1]
    values = ndtr(np.where(flipped, -places, places))
    masses: Array = np.abs(np.diff(values, axis=1))
    total = masses.sum(axis=1, keepdims=True)
    shares: Array = np.where(total > _TINY, masses / np.maximum(total, _TINY), 1.0 / masses.shape[1])
    return shares
