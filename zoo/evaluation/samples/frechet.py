"""The Frechet distance of two sets of features, as if they were Gaussian."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def gaussian_distance(means: tuple[Array, Array], covariances: tuple[Array, Array]) -> float:
    """Return the squared Frechet distance of two Gaussians (Dowson and Landau 1982, equation 4).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). The trace of the root is the sum of the roots of the eigenvalues of
    C1^(1/2) C2 C1^(1/2), which is symmetric: none of them is complex, even if a covariance is singular.

    Args:
        means: m1 and m2, ``(d,)``.
        covariances: C1 and C2, ``(d, d)``, symmetric and positive semi-definite.
    """
    values, vectors = np.linalg.eigh(covariances[0])
    root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariances[1] @ root), 0.0)).sum()
    distance = np.square(means[0] - means[1]).sum() + sum(np.trace(it) for it in covariances) - 2.0 * shared
    return max(0.0, float(distance))


def frechet_distance(first: Array, second: Array) -> float:
    """Return the squared Frechet distance of features ``(n, d)`` and ``(m, d)``, from their means and covariances.

    It is too large by an amount that grows with d and shrinks with n and m, so that only distances of equal numbers of
    images may be compared.
    """
    means = first.mean(axis=0), second.mean(axis=0)
    covariances = np.atleast_2d(np.cov(first, rowvar=False)), np.atleast_2d(np.cov(second, rowvar=False))
    return gaussian_distance(means, covariances)


def distance_deviation(first: Array, second: Array, draws: int, generator: np.random.Generator) -> float:
    """Return the standard deviation of the distance, by the bootstrap: both sets are drawn anew with replacement."""
    found = [
        frechet_distance(*(it[generator.integers(len(it), size=len(it))] for it in (first, second)))
        for _ in range(draws)
    ]
    return float(np.std(found, ddof=1))
