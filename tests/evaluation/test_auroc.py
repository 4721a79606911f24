"""The area under the ROC against counted pairs, and its interval against what it promises."""

import numpy as np
import pytest
from scipy.special import ndtr

import zoo


def count_pairs(inside, outside):
    return np.mean([(high > low) + 0.5 * (high == low) for high in outside for low in inside])


def delong_by_pairs(inside, outside):
    """The standard deviation from the definition, with all pairs (DeLong et al. 1988, equations 4 and 5)."""
    kernel = np.array([[(high > low) + 0.5 * (high == low) for low in inside] for high in outside])
    return np.sqrt(kernel.mean(axis=1).var(ddof=1) / len(outside) + kernel.mean(axis=0).var(ddof=1) / len(inside))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("levels", [2, 5, 10**6])
def test_it_is_the_share_of_pairs_in_order_ties_included(seed, levels):
    random = np.random.default_rng(seed)
    inside, outside = random.integers(levels, size=13) / 7, (random.integers(levels, size=29) + levels // 5) / 7
    found = zoo.auroc(inside, outside)
    assert found.value == pytest.approx(count_pairs(inside, outside), abs=1e-12)
    assert (found.inside, found.outside) == (13, 29)
    assert 0 <= found.low <= found.value <= found.high <= 1
    logit = np.log(found.value / (1 - found.value))
    half = 1.959964 * delong_by_pairs(inside, outside) / (found.value * (1 - found.value))
    assert found.low == pytest.approx(1 / (1 + np.exp(half - logit)), abs=1e-6)
    assert found.high == pytest.approx(1 / (1 + np.exp(-half - logit)), abs=1e-6)


def test_both_ends():
    above, below = zoo.auroc([1, 2, 3], [4, 5, 6, 7]), zoo.auroc([4, 5, 6, 7], [1, 2, 3])
    assert (above.value, above.high) == (1, 1)
    assert 0.3 < above.low < 0.9
    assert (below.value, below.low) == (0, 0)
    assert below.high == pytest.approx(1 - above.low, abs=1e-9)
    assert zoo.auroc(np.arange(1000), np.arange(1000) + 1000).low > 0.99


def test_all_equal_is_chance():
    found = zoo.auroc([1.0] * 10, [1.0] * 10)
    assert found.value == 0.5
    assert 0 < found.low < 0.4 < 0.6 < found.high < 1


def test_the_other_way_round_is_the_mirror_image():
    random = np.random.default_rng(0)
    inside, outside = random.normal(size=40), random.normal(1, 2, 30)
    found, mirrored = zoo.auroc(inside, outside), zoo.auroc(-inside, -outside)
    assert mirrored.value == pytest.approx(1 - found.value)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low))


@pytest.mark.parametrize("bad", [[1.0], [[1.0, 2.0]], [1.0, np.nan], [np.inf, 2.0]])
def test_what_is_no_row_of_scores(bad):
    with pytest.raises(ValueError, match=r"inside: got scores of shape .* at least two finite numbers"):
        zoo.auroc(bad, [1.0, 2.0])
    with pytest.raises(ValueError, match="outside: got scores"):
        zoo.auroc([1.0, 2.0], bad)


@pytest.mark.slow
@pytest.mark.parametrize("distance", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("sizes", [(50, 50), (200, 40)])
def test_the_interval_holds_the_true_area_nineteen_times_in_twenty(distance, sizes):
    random, true, rounds = np.random.default_rng(0), ndtr(distance / np.sqrt(2)), 4000
    found = [zoo.auroc(random.normal(size=sizes[0]), random.normal(distance, 1, sizes[1])) for _ in range(rounds)]
    held = np.mean([it.low <= true <= it.high for it in found])
    assert 0.92 < held < 0.975
