"""Buckets drawn from a stack of random words follow the distribution, and putting them back restores the words."""

import numpy as np
import pytest
from scipy.stats import kstest, norm

from zoo.compression.grid import Grid
from zoo.compression.stack import Stack

pytest.importorskip("constriction")


def random_words(count, seed=0):
    words = np.random.default_rng(seed).integers(0, 2**32, count, dtype=np.uint32)
    words[-1] |= 1
    return words


@pytest.mark.parametrize("bits", [8, 12, 13, 16])
@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.5, 0.3), (-3.0, 0.1), (5.0, 0.5), (0.2, 3.0)])
def test_draws_follow_the_distribution(bits, mean, std):
    grid, stack, count = Grid(bits), Stack(random_words(3000)), 4000
    drawn = grid.centres[grid.pop(stack, np.full(count, mean), np.full(count, std))]
    width = np.interp(mean + 3 * std, grid.centres[:-1], np.diff(grid.centres))
    if width < std / 4:
        assert kstest(drawn, norm(mean, std).cdf).pvalue > 1e-4 or width > std / 40
        assert drawn.mean() == pytest.approx(mean, abs=5 * std / np.sqrt(count) + width)
        assert drawn.std() == pytest.approx(std, rel=0.08, abs=width)


def test_what_is_put_back_restores_the_words():
    random = np.random.default_rng(1)
    mean, std = random.normal(scale=3, size=500), np.exp(random.normal(-2, 2, 500))
    words = random_words(500)
    for bits in (6, 9, 16):
        grid, stack = Grid(bits), Stack(words)
        drawn = grid.pop(stack, mean, std)
        assert len(stack.words) < len(words)
        grid.push(stack, drawn, mean, std)
        np.testing.assert_array_equal(stack.words, words)


@pytest.mark.parametrize(("mean", "std"), [(1e4, 1e-3), (-50.0, 1e-6), (0.0, 1e-9), (0.0, 1e6)])
def test_extreme_posteriors_are_coded_too(mean, std):
    grid, stack = Grid(12), Stack(random_words(50))
    mean, std = np.full(20, mean), np.full(20, std)
    drawn = grid.pop(stack, mean, std)
    assert ((drawn >= 0) & (drawn < 2**12)).all()
    grid.push(stack, drawn, mean, std)
    np.testing.assert_array_equal(stack.words, random_words(50))


def test_bits_are_those_of_the_distribution():
    grid, stack, count = Grid(12), Stack(random_words(1)), 5000
    buckets = np.random.default_rng(0).integers(1400, 2700, count)
    mean, std = np.full(count, 0.1), np.full(count, 0.9)
    grid.push(stack, buckets, mean, std)
    edges = 2 * norm.ppf(np.arange(2**12 + 1) / 2**12)
    masses = np.diff(norm.cdf(edges, 0.1, 0.9))
    assert 32 * (len(stack.words) - 1) == pytest.approx(-np.log2(masses[buckets]).sum(), rel=1e-3)
