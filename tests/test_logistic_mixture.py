"""Mixtures of discretised logistic densities, against brute force over the alphabet."""

import itertools

import likelihood_reference as reference
import numpy as np
import pytest
from gradients import gradients
from keras import ops

from zoo import likelihoods
from zoo.likelihoods import LogisticMixture

GREY = 30  # Parameters of a grey pixel, ten components.


class FourLevels(LogisticMixture):
    """So few levels that every image of a pixel can be listed."""

    levels = 4


def alphabet(levels, channels):
    """Give every image of one pixel, ``(levels ** channels, 1, 1, channels)``."""
    grid = np.array(list(itertools.product(range(levels), repeat=channels)))
    return (grid / (levels - 1)).reshape(-1, 1, 1, channels).astype("float32")


def joint(likelihood, parameters, levels, channels):
    """Give the probabilities of the whole alphabet, for one pixel's parameters."""
    images = alphabet(levels, channels)
    raw = np.broadcast_to(parameters.reshape(1, 1, 1, -1), (len(images), 1, 1, parameters.size))
    return np.exp(reference.compute(likelihood.log_prob, images, raw).astype("float64"))


def draw_parameters(channels, components, count, seed=0):
    """Give ordinary, wide and extreme parameters of single pixels."""
    size = LogisticMixture(components).output_channels(channels)
    random = np.random.default_rng(seed)
    ordinary, wide = random.normal(size=(count, size)), random.normal(size=(count, size)) * 20
    return np.concatenate([ordinary, wide, reference.extreme_parameters((count, size))]).astype("float32")


@pytest.mark.parametrize("components", [1, 3, 10])
def test_probabilities_of_the_256_levels_sum_to_one(components):
    for parameters in draw_parameters(1, components, 40):
        total = joint(LogisticMixture(components), parameters, 256, 1).sum()
        assert total == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("components", [1, 4])
def test_joint_probabilities_of_three_channels_sum_to_one(components):
    for parameters in draw_parameters(3, components, 40):
        total = joint(FourLevels(components), parameters, 4, 3).sum()
        assert total == pytest.approx(1.0, abs=1e-5)


def test_joint_probabilities_of_two_channels_of_bytes_sum_to_one():
    for parameters in draw_parameters(2, 2, 3):
        assert joint(LogisticMixture(2), parameters, 256, 2).sum() == pytest.approx(1.0, abs=1e-5)


def test_joint_is_that_of_the_reference():
    for parameters in draw_parameters(3, 3, 30)[:60]:
        images = alphabet(4, 3)
        raw = np.broadcast_to(parameters.reshape(1, 1, 1, -1), (64, 1, 1, parameters.size))
        expected = np.exp(reference.mixture_log_prob(images, raw, 3, levels=4)).ravel()
        np.testing.assert_allclose(joint(FourLevels(3), parameters, 4, 3), expected, rtol=2e-4, atol=1e-7)


def test_one_component_in_grey_is_the_discretized_logistic():
    random = np.random.default_rng(1)
    images = reference.draw_images(random, (20, 5, 4, 1), "logistic_mixture")
    raw = (random.normal(size=(20, 5, 4, 2)) * [0.5, 3.0]).astype("float32")
    logits = random.normal(size=(20, 5, 4, 1)).astype("float32")
    both = np.concatenate([logits, raw], axis=-1)
    single, mixture = likelihoods.get("discretized_logistic"), LogisticMixture(1)
    found, expected = (reference.compute(it.log_prob, images, part) for it, part in ((mixture, both), (single, raw)))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    means = [reference.compute(it.mean, part) for it, part in ((mixture, both), (single, raw))]
    np.testing.assert_allclose(*means, atol=1e-6)


def test_the_order_of_components_does_not_matter():
    random, count = np.random.default_rng(2), 4
    images = reference.draw_images(random, (10, 3, 3, 3), "logistic_mixture")
    raw = random.normal(size=(10, 3, 3, 10, count)).astype("float32")
    order = np.array([2, 0, 3, 1])
    other = raw[..., order].copy()
    # Each component's place is its own: moved along, it stays where it was.
    other[..., 1:4, :] += (order - np.arange(count)) / count
    found = [
        reference.compute(LogisticMixture(count).log_prob, images, part.reshape(10, 3, 3, -1)) for part in (raw, other)
    ]
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_components_begin_spread_over_the_unit_interval():
    probability = joint(LogisticMixture(4), np.zeros(12, "float32"), 256, 1)
    center = (np.arange(4) + 0.5) / 4
    separate = [
        np.exp(reference.log_mass("discretized_logistic", reference.LEVELS, place, np.exp(-2.0))) for place in center
    ]
    np.testing.assert_allclose(probability, np.mean(separate, axis=0), rtol=1e-4)


def make_dependent(coefficient):
    """Give one pixel's parameters of two channels, one component: the second's location is moved by the first."""
    return np.array([0.0, 0.1, -0.1, -2.0, -3.0, coefficient], "float32")


@pytest.mark.parametrize("coefficient", [-0.8, 0.0, 0.8])
def test_a_channel_is_moved_by_the_one_before_it(coefficient):
    probability = joint(LogisticMixture(1), make_dependent(coefficient), 256, 2).reshape(256, 256)
    first = probability.sum(axis=1)
    conditional = probability / first[:, None]
    means = conditional @ reference.LEVELS
    # The slope of the conditional mean where the ends cut nothing off.
    slope = np.diff(means)[100:150].mean() * 255
    assert slope == pytest.approx(np.tanh(coefficient), abs=2e-3)
    outer = np.outer(first, probability.sum(axis=0))
    assert (np.abs(probability - outer).max() < 1e-7) == (coefficient == 0)


def test_gradient_matches_finite_differences_of_the_reference():
    random = np.random.default_rng(3)
    images = reference.draw_images(random, (30, 1, 1, 3), "logistic_mixture:2")
    parameters = random.normal(size=(30, 1, 1, 20)).astype("float32")
    (found,) = gradients(lambda raw: LogisticMixture(2).log_prob(images, raw), parameters)
    raw = parameters.astype("float64")
    for channel in range(20):
        step = np.zeros(20)
        step[channel] = 1e-6
        high, low = (reference.log_prob("logistic_mixture:2", images, raw + sign * step) for sign in (1, -1))
        np.testing.assert_allclose(found[:, 0, 0, channel], (high - low) / 2e-6, rtol=2e-3, atol=2e-4)


def test_mean_in_grey_is_that_of_the_256_levels():
    raw = np.random.default_rng(4).normal(size=(200, 1, 1, GREY)).astype("float32")
    found = reference.compute(LogisticMixture().mean, raw).ravel()
    # As that of one density: the closed form is within 0.111 levels at the smallest scales.
    np.testing.assert_allclose(found, reference.mean("logistic_mixture", raw), atol=0.111 / 255)


def joint_moments(parameters, channels=3, components=2, levels=4):
    images = alphabet(levels, channels).reshape(-1, channels).astype("float64")
    probability = joint(FourLevels(components), parameters, levels, channels)
    mean = probability @ images
    return mean, (probability @ images**2) - mean**2, (probability[:, None] * images).T @ images - np.outer(mean, mean)


def test_mean_in_colour_is_exact_where_the_ends_cut_nothing_off():
    # Narrow components near the middle of the levels, two channels of bytes.
    random = np.random.default_rng(5)
    for _ in range(5):
        raw = np.concatenate([
            random.normal(size=2), random.uniform(-0.15, 0.15, 4) + [0.25, -0.25] * 2,
            np.full(4, -4.0), random.uniform(-1, 1, 2),
        ]).astype("float32")  # fmt: skip
        probability = joint(LogisticMixture(2), raw, 256, 2).reshape(256, 256)
        expected = [probability.sum(axis=1) @ reference.LEVELS, probability.sum(axis=0) @ reference.LEVELS]
        found = reference.compute(LogisticMixture(2).mean, raw.reshape(1, 1, 1, -1)).ravel()
        np.testing.assert_allclose(found, expected, atol=0.111 / 255)


def test_mean_in_colour_is_near_everywhere():
    raw = np.random.default_rng(6).normal(size=(3, 1, 1, 12)).astype("float32")
    found = reference.compute(LogisticMixture(2).mean, raw).reshape(3, 2)
    for parameters, mean in zip(raw, found, strict=True):
        probability = joint(LogisticMixture(2), parameters, 256, 2).reshape(256, 256)
        assert mean[0] == pytest.approx(probability.sum(axis=1) @ reference.LEVELS, abs=0.111 / 255)
        assert mean[1] == pytest.approx(probability.sum(axis=0) @ reference.LEVELS, abs=0.02)


def test_samples_have_the_moments_of_the_joint():
    draws = 40_000
    raw = np.random.default_rng(7).normal(size=20).astype("float32")
    mean, variance, covariance = joint_moments(raw)
    parameters = np.broadcast_to(raw.reshape(1, 1, 1, -1), (draws, 1, 1, 20))
    samples = ops.convert_to_numpy(FourLevels(2).sample(parameters, seed=3)).reshape(draws, 3).astype("float64")
    np.testing.assert_allclose(samples * 3, np.rint(samples * 3), atol=1e-5)
    assert (np.abs(samples.mean(axis=0) - mean) < 4 * np.sqrt(variance / draws)).all()
    centered = samples - mean
    products = centered[:, :, None] * centered[:, None, :]
    error = products.std(axis=0) / np.sqrt(draws)
    assert (np.abs(products.mean(axis=0) - covariance) < 4 * error).all()
    again = ops.convert_to_numpy(FourLevels(2).sample(parameters, seed=3)).reshape(draws, 3)
    np.testing.assert_array_equal(again, samples.astype("float32"))


def test_samples_of_bytes_have_the_probabilities_of_the_levels():
    draws = 40_000
    raw = np.random.default_rng(8).normal(size=GREY).astype("float32")
    samples = LogisticMixture().sample(np.broadcast_to(raw, (draws, 1, 1, GREY)), seed=5)
    counts = np.bincount(np.rint(ops.convert_to_numpy(samples) * 255).astype(int).ravel(), minlength=256)
    expected = np.exp(reference.level_log_prob("logistic_mixture", raw.reshape(1, 1, 1, -1)))[0] * draws
    often = expected > 20
    assert often.sum() > 100
    assert np.abs((counts[often] - expected[often]) / np.sqrt(expected[often])).max() < 5


@pytest.mark.parametrize("components", [0, -1, 2.5, "5", True, None])
def test_number_of_components_must_be_a_count(components):
    with pytest.raises(ValueError, match=r"components is .*: expected a whole number of at least 1"):
        LogisticMixture(components)


def test_parameters_of_another_number_are_refused():
    with pytest.raises(ValueError, match="parameters have 31 channels: logistic_mixture has 30 for grey and 100 for"):
        LogisticMixture().log_prob(np.zeros((1, 2, 2, 1), "float32"), np.zeros((1, 2, 2, 31), "float32"))
