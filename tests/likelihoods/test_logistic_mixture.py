"""Mixtures of discretised logistic densities, against brute force over the alphabet."""

import numpy as np
import pytest
from keras import ops
from scipy import special
from support import likelihood_reference as reference
from support.gradients import gradients
from support.likelihood_reference import LEVEL, joint

from zoo import likelihoods
from zoo.likelihoods import LogisticMixture

GREY = 30  # Parameters of a grey pixel, ten components.


class FourLevels(LogisticMixture):
    """So few levels that every image of a pixel can be listed."""

    levels = 4


def draw_parameters(channels, components, count, seed=0):
    """Return ordinary, wide, extreme and degenerate parameters of single pixels, ``(n, output_channels)``."""
    size = LogisticMixture(components).output_channels(channels)
    random = np.random.default_rng(seed)
    ordinary, wide = random.normal(size=(count, size)), random.normal(size=(count, size)) * 20
    certain = random.normal(size=(count, size))
    certain[:, :components] = random.choice([-1e6, 1e6], size=(count, components))
    extreme = reference.extreme_parameters((count, size))
    equal = np.repeat(ordinary.reshape(count, -1, components)[..., :1], components, axis=-1)
    equal[:, 1 : 1 + channels] -= np.arange(components) / components  # from their places to the first one's
    return np.concatenate([ordinary, wide, certain, extreme, equal.reshape(count, size)]).astype("float32")


@pytest.mark.parametrize("components", [1, 3, 10])
def test_probabilities_of_the_256_levels_sum_to_one(components):
    parameters = draw_parameters(1, components, 40)
    np.testing.assert_allclose(joint(LogisticMixture(components), parameters, 1).sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("components", [1, 4])
def test_joint_probabilities_of_three_channels_sum_to_one(components):
    parameters = draw_parameters(3, components, 40)
    np.testing.assert_allclose(joint(FourLevels(components), parameters, 3).sum(axis=1), 1.0, atol=1e-5)


def test_joint_probabilities_of_two_channels_of_bytes_sum_to_one():
    for parameters in draw_parameters(2, 2, 3):
        assert joint(LogisticMixture(2), parameters, 2).sum() == pytest.approx(1.0, abs=1e-5)


def test_joint_is_that_of_the_reference():
    parameters = draw_parameters(3, 3, 30)[:60]
    images = np.tile(reference.alphabet(4, 3), (60, 1)).reshape(60, 64, 1, 3)
    raw = np.repeat(parameters, 64, axis=0).reshape(60, 64, 1, -1)
    expected = np.exp(reference.mixture_log_prob(images, raw, 3, levels=4)).reshape(60, 64)
    np.testing.assert_allclose(joint(FourLevels(3), parameters, 3), expected, rtol=2e-4, atol=1e-7)


def test_both_ends_take_the_tails():
    parameters = np.random.default_rng(9).normal(size=(50, GREY)).astype("float32")
    logits, locations, scales = parameters.astype("float64").reshape(50, 3, 10).transpose(1, 0, 2)
    locations, scales = locations + (np.arange(10) + 0.5) / 10, reference.scale_of(scales)
    lower, upper = special.expit((LEVEL / 2 - locations) / scales), special.expit((locations - 1 + LEVEL / 2) / scales)
    found = joint(LogisticMixture(), parameters, 1)
    weights = special.softmax(logits, axis=1)
    np.testing.assert_allclose(found[:, 0], (weights * lower).sum(axis=1), rtol=2e-5)
    np.testing.assert_allclose(found[:, 255], (weights * upper).sum(axis=1), rtol=2e-5)


@pytest.mark.parametrize("components", [1, 4])
def test_equal_components_in_grey_are_the_discretized_logistic(components):
    random = np.random.default_rng(1)
    images = reference.draw_images(random, (20, 5, 4, 1), "logistic_mixture")
    raw = (random.normal(size=(20, 5, 4, 2)) * [0.5, 3.0]).astype("float32")
    logits, places = random.normal(size=(20, 5, 4, components)), (np.arange(components) + 0.5) / components - 0.5
    parts = [logits, raw[..., :1] - places, np.repeat(raw[..., 1:], components, axis=-1)]
    parameters = np.concatenate(parts, axis=-1).astype("float32")
    single, mixture = likelihoods.get("discretized_logistic"), LogisticMixture(components)
    found = reference.compute(mixture.log_prob, images, parameters)
    expected = reference.compute(single.log_prob, images, raw)
    # A place taken off and added again rounds a location.
    np.testing.assert_allclose(found, expected, rtol=1e-6 if components == 1 else 1e-5)
    means = reference.compute(mixture.mean, parameters), reference.compute(single.mean, raw)
    np.testing.assert_allclose(*means, atol=1e-6)


def test_the_order_of_components_does_not_matter():
    random, count, mixture = np.random.default_rng(2), 4, LogisticMixture(4)
    images = reference.draw_images(random, (10, 3, 3, 3), "logistic_mixture")
    raw = random.normal(size=(10, 3, 3, 10, count)).astype("float32")
    order = np.array([2, 0, 3, 1])
    other = raw[..., order].copy()
    # Each component's place is its own: moved along, it stays where it was.
    other[..., 1:4, :] += (order - np.arange(count)) / count
    found = [reference.compute(mixture.log_prob, images, part.reshape(10, 3, 3, -1)) for part in (raw, other)]
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_components_begin_spread_over_the_unit_interval():
    probability = joint(LogisticMixture(4), np.zeros(12, "float32"), 1)[0]
    center = ((np.arange(4) + 0.5) / 4)[:, None]
    separate = np.exp(reference.log_mass("discretized_logistic", reference.LEVELS, center, np.exp(-2.0)))
    np.testing.assert_allclose(probability, separate.mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize("coefficient", [-0.8, 0.0, 0.8])
def test_a_channel_is_moved_by_the_one_before_it(coefficient):
    parameters = np.array([0.0, 0.1, -0.1, -2.0, -3.0, coefficient], "float32")
    probability = joint(LogisticMixture(1), parameters, 2).reshape(256, 256)
    first = probability.sum(axis=1)
    means = (probability / first[:, None]) @ reference.LEVELS
    # The slope of the conditional mean where the ends cut nothing off.
    slope = np.diff(means)[100:150].mean() * 255
    assert slope == pytest.approx(np.tanh(coefficient), abs=2e-3)
    outer = np.outer(first, probability.sum(axis=0))
    assert (np.abs(probability - outer).max() < 1e-7) == (coefficient == 0)


def test_without_coefficients_channels_are_independent_given_the_component():
    parameters = np.random.default_rng(10).normal(size=(30, 10, 2))
    parameters[:, 7:] = 0.0
    weights = np.exp(parameters[:, 0]) / np.exp(parameters[:, 0]).sum(axis=1, keepdims=True)
    places = np.array([0.25, 0.75])
    levels = np.arange(4) / 3
    channels = [
        np.exp(reference.log_mass(
            "discretized_logistic", levels[:, None, None], parameters[:, 1 + c] + places,
            reference.scale_of(parameters[:, 4 + c]), levels=4,
        ))
        for c in range(3)
    ]  # fmt: skip
    expected = np.einsum("nk,ank,bnk,cnk->nabc", weights, *channels).reshape(30, 64)
    found = joint(FourLevels(2), parameters.reshape(30, 20).astype("float32"), 3)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-7)


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


def test_mean_is_never_above_one():
    raw = np.random.default_rng(11).normal(size=(3000, 1, 1, GREY)).astype("float32")
    raw[..., 10:20] = 1e3
    assert reference.compute(LogisticMixture().mean, raw).max() == 1.0


def byte_means(parameters, components):
    """Return the two channels' joint over 256 levels each, its means, and those that the likelihood gives."""
    probability = joint(LogisticMixture(components), parameters, 2).reshape(256, 256)
    exact = np.array([probability.sum(axis=1) @ reference.LEVELS, probability.sum(axis=0) @ reference.LEVELS])
    return probability, exact, reference.compute(LogisticMixture(components).mean, parameters[None, None, None]).ravel()


def test_mean_in_colour_is_exact_where_the_ends_cut_nothing_off():
    # Narrow components near the middle of the levels, two channels of bytes.
    random = np.random.default_rng(5)
    for _ in range(5):
        raw = np.concatenate([
            random.normal(size=2), random.uniform(-0.15, 0.15, 4) + [0.25, -0.25] * 2,
            np.full(4, -4.0), random.uniform(-1, 1, 2),
        ]).astype("float32")  # fmt: skip
        _, exact, found = byte_means(raw, 2)
        np.testing.assert_allclose(found, exact, atol=0.111 / 255)


def test_mean_in_colour_is_within_its_bound_everywhere():
    # The last: the first channel is nearly always 0 or 1, and the second is cut off for one of them.
    worst = np.array([0.0, 0.0, -0.5, 50.0, -50.0, 5.0])
    errors, bounds = [], []
    for parameters in np.concatenate([draw_parameters(2, 1, 3), [worst]]).astype("float32"):
        probability, exact, found = byte_means(parameters, 1)
        coefficient = np.abs(np.tanh(parameters[-1]))
        deviation = probability.sum(axis=1) @ np.abs(reference.LEVELS - exact[0])
        assert found[0] == pytest.approx(exact[0], abs=0.111 / 255)
        errors.append(abs(found[1] - exact[1]))
        bounds.append(coefficient * deviation / 2 + (1 + coefficient) * 0.111 / 255)
    assert (np.array(errors) <= bounds).all()
    # Reached, so no smaller one holds; and of ordinary parameters far from it.
    assert 0.2 < errors[-1] < 0.25
    assert max(errors[:3]) < 0.02


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_samples_have_the_moments_of_the_joint(seed):
    draws = 40_000
    raw = np.random.default_rng(seed).normal(size=20).astype("float32")
    images, probability = reference.alphabet(4, 3).astype("float64"), joint(FourLevels(2), raw, 3)[0]
    mean = probability @ images
    covariance = (probability[:, None] * images).T @ images - np.outer(mean, mean)
    parameters = np.broadcast_to(raw, (draws, 1, 1, 20))
    samples = ops.convert_to_numpy(FourLevels(2).sample(parameters, seed=3)).reshape(draws, 3).astype("float64")
    np.testing.assert_allclose(samples * 3, np.rint(samples * 3), atol=1e-5)
    assert (np.abs(samples.mean(axis=0) - mean) < 4 * np.sqrt(np.diag(covariance) / draws)).all()
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
    # Three components of a grey pixel would be broadcast against three channels.
    with pytest.raises(
        ValueError, match="images have 3 channels, parameters have 9: expected 30 for logistic_mixture:3"
    ):
        LogisticMixture(3).log_prob(np.zeros((1, 2, 2, 3), "float32"), np.zeros((1, 2, 2, 9), "float32"))
