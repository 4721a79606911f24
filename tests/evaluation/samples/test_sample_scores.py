"""Scores of samples against closed forms, SciPy and brute force."""

import json
from importlib.resources import files

import numpy as np
import pytest
from scipy.linalg import sqrtm

import zoo
from zoo.evaluation.samples import digit_features
from zoo.evaluation.samples.digits import recognise_digits
from zoo.evaluation.samples.frechet import distance_deviation, frechet_distance, gaussian_distance
from zoo.evaluation.samples.manifolds import lie_within, neighbour_radii, share_interval

random = np.random.default_rng(0)


def draw_covariance(size, rank=None):
    root = random.standard_normal((size, rank or size))
    return root @ root.T


def test_the_distance_of_gaussians_that_share_their_axes():
    means, deviations = random.standard_normal((2, 4)), random.uniform(0.1, 2, (2, 4))
    found = gaussian_distance(tuple(means), tuple(np.diag(it**2) for it in deviations))
    expected = np.square(means[0] - means[1]).sum() + np.square(deviations[0] - deviations[1]).sum()
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("rank", [5, 2])
def test_the_distance_by_the_root_of_scipy(rank):
    covariances, means = (draw_covariance(5), draw_covariance(5, rank)), tuple(random.standard_normal((2, 5)))
    root = sqrtm(covariances[0] @ covariances[1] + (1e-14 if rank < 5 else 0) * np.eye(5))
    expected = np.square(means[0] - means[1]).sum() + np.trace(sum(covariances) - 2 * root.real)
    assert gaussian_distance(means, covariances) == pytest.approx(expected, rel=1e-5)
    assert gaussian_distance(means[::-1], covariances[::-1]) == pytest.approx(expected, rel=1e-5)


def test_the_distance_of_draws_comes_near_that_of_their_distributions():
    covariances, means = (draw_covariance(3), draw_covariance(3)), tuple(random.standard_normal((2, 3)))
    sets = [random.multivariate_normal(*it, size=50_000) for it in zip(means, covariances, strict=True)]
    expected = gaussian_distance(means, covariances)
    assert frechet_distance(*sets) == pytest.approx(expected, rel=0.05)
    assert frechet_distance(sets[0], sets[0]) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(sets[0][:, :1], sets[1][:, :1]) == pytest.approx(
        gaussian_distance([it[:1] for it in means], [it[:1, :1] for it in covariances]), rel=0.05
    )


def test_the_bootstrap_says_how_far_the_distance_varies():
    def draw(shift):
        return shift + random.standard_normal((300, 2))

    spread = np.std([frechet_distance(draw(0), draw(2)) for _ in range(300)])
    found = distance_deviation(draw(0), draw(2), 300, np.random.default_rng(0))
    assert found == pytest.approx(spread, rel=0.25)


def test_manifolds_by_brute_force():
    points, features, k = random.standard_normal((70, 3)), random.standard_normal((1050, 3)), 4
    between = [[np.sqrt(np.square(a - b).sum()) for b in features] for a in features[:20]]
    radii = neighbour_radii(features, k)
    np.testing.assert_allclose(radii[:20], [sorted(row)[k] for row in between])
    expected = [any(np.sqrt(np.square(p - f).sum()) <= r for f, r in zip(features, radii, strict=True)) for p in points]
    np.testing.assert_array_equal(lie_within(points, features, radii), expected)
    assert 0 < np.mean(expected) < 1


def test_the_interval_of_a_share():
    # Newcombe (1998), table I, method 3: 81 of 263, and 0 of 20.
    assert share_interval(81 / 263, 263, 1.959964) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert share_interval(0.0, 20, 1.959964) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert share_interval(1.0, 20, 1.959964) == pytest.approx((0.8389, 1.0), abs=1e-4)


def flatten(images):
    return np.asarray(images, np.float64).reshape(len(images), -1)


def test_sets_that_are_the_same_and_that_are_not():
    images = random.random((40, 3, 3, 1)).astype("float32")
    same = zoo.sample_scores(images, images, features=flatten, draws=10)
    assert (same["precision"]["value"], same["recall"]["value"]) == (1, 1)
    assert same["frechet_distance"]["value"] == pytest.approx(0, abs=1e-9)
    assert (same["features"], same["samples"], same["images"], same["k"]) == ("flatten", 40, 40, 3)
    other = zoo.sample_scores(images * 0.01, images * 0.01 + 0.5, features=flatten, draws=10)
    assert (other["precision"]["value"], other["recall"]["value"]) == (0, 0)
    assert other["frechet_distance"]["value"] == pytest.approx(9 * 0.5**2, rel=0.05)
    # Samples of few kinds are precise, and lack variety.
    few = np.repeat(images[:5], 8, axis=0) + random.normal(0, 1e-3, (40, 3, 3, 1)).clip(0, 0)
    found = zoo.sample_scores(few.astype("float32"), images, features=flatten, draws=10)
    assert found["precision"]["value"] == 1
    assert found["recall"]["value"] == 5 / 40
    for name in ("precision", "recall", "frechet_distance"):
        assert 0 <= found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    assert found == zoo.sample_scores(few.astype("float32"), images, features=flatten, draws=10)


def test_the_digit_features_are_those_of_what_recognises_digits():
    digits = zoo.load_dataset("mnist_sample").test
    features = digit_features(digits.images[:300])
    assert features.shape == (300, 64)
    np.testing.assert_allclose(digit_features(digits.images[250:300] / np.float32(255)), features[250:], atol=1e-4)
    folder = files("zoo.evaluation.samples")
    facts = json.loads((folder / "digit_features.json").read_text())
    assert (recognise_digits(digits.images) == digits.labels).mean() == pytest.approx(
        facts["accuracy"]["test"], abs=0.01
    )
    assert len((folder / "digit_features.safetensors").read_bytes()) < 1e6


def test_real_digits_are_better_than_what_is_none():
    digits = zoo.load_dataset("mnist_sample").test
    real = zoo.sample_scores(digits.images[:400], digits.images[400:800], draws=20)
    noise = random.random((400, 28, 28, 1)).astype("float32")
    drawn = zoo.sample_scores(noise, digits.images[400:800], draws=20)
    assert real["features"] == "digit features"
    assert real["precision"]["low"] > 0.6 > drawn["precision"]["high"]
    assert real["recall"]["low"] > 0.6 > drawn["recall"]["high"]
    assert real["frechet_distance"]["high"] < drawn["frechet_distance"]["low"]


GREY = random.random((8, 28, 28, 1)).astype("float32")


@pytest.mark.parametrize(
    ("samples", "images", "arguments", "said"),
    [
        (GREY, GREY[:, :9], {}, r"samples and images: got \(28, 28, 1\) and \(9, 28, 1\); expected equal sizes"),
        (GREY[:3], GREY, {}, "samples: got 3; expected more than k, which is 3"),
        (GREY, GREY, {"k": 8}, "samples: got 8; expected more than k, which is 8"),
        (GREY, GREY, {"k": 0}, "k is 0 and draws is 200: expected at least 1 and 2"),
        (GREY, GREY, {"seed": -1}, "seed is -1"),
        (GREY * 3, GREY, {}, "samples: got float32 from"),
        (GREY[:, :9], GREY[:, :9], {}, r"no features for images of \(9, 28, 1\): the digit features are for"),
        (GREY, GREY, {"features": lambda it: it}, r"features: got an array of shape \(8, 28, 28, 1\); expected finite"),
        (GREY, GREY, {"features": lambda it: flatten(it) * np.nan}, "expected finite numbers"),
    ],
)
def test_what_cannot_be_compared(samples, images, arguments, said):
    with pytest.raises(ValueError, match=said):
        zoo.sample_scores(samples, images, **arguments)
