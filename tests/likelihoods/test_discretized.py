"""Densities summed over the 256 grey levels."""

from functools import partial

import numpy as np
import pytest
from keras import ops
from scipy import special
from support import likelihood_reference as reference
from support.gradients import gradients

from zoo import likelihoods

BYTES = ("discretized_gaussian", "discretized_logistic")


@pytest.mark.parametrize("name", BYTES)
def test_log_prob_matches_float64_at_extreme_parameters(name):
    raw = np.repeat(reference.degenerate_parameters(), 256, axis=0)
    images = np.tile(reference.LEVELS, len(raw) // 256).astype("float32").reshape(-1, 1, 1, 1)
    found, expected = (
        reference.compute(likelihoods.get(name).log_prob, images, raw),
        reference.log_prob(name, images, raw),
    )
    # Images and locations are float32: an ulp of either, 6e-8, is 7e-5 of the smallest scale. The log density changes
    # by as many nats for a logistic, and by the distance times as many for a Gaussian.
    location, scale = (part[:, 0, 0, 0] for part in reference.split(raw))
    distance = np.abs(images[:, 0, 0, 0] - location) / scale
    slope = 1 if name == "discretized_logistic" else 1 + distance
    rounding = slope * 1.2e-7 * np.maximum(1, np.abs(location)) / scale
    assert (np.abs(found - expected) <= 1e-5 * np.abs(expected) + rounding + 1e-6).all()


@pytest.mark.parametrize("name", BYTES)
def test_narrow_intervals_keep_their_digits(name):
    # At wide scales a level is a thousandth of one: a difference of the ends' probabilities would lose three digits.
    random = np.random.default_rng(14)
    raw = np.stack([random.uniform(-0.5, 0.5, 500), random.choice([20.0, 1e3, 1e6], 500)], axis=-1)
    raw = raw.reshape(-1, 1, 1, 2).astype("float32")
    images = random.integers(0, 256, (500, 1, 1, 1)).astype("float32") / 255
    found = reference.compute(likelihoods.get(name).log_prob, images, raw)
    np.testing.assert_allclose(found, reference.log_prob(name, images, raw), rtol=1e-6)


@pytest.mark.parametrize("name", BYTES)
def test_probabilities_of_the_256_levels_sum_to_one(name):
    random = np.random.default_rng(2)
    raw = np.concatenate([
        random.normal(size=(200, 1, 1, 2)) * [0.5, 3.0],
        random.normal(size=(200, 1, 1, 2)) * 20.0,
        reference.degenerate_parameters(),
    ]).astype("float32")  # fmt: skip
    images = np.tile(reference.LEVELS, len(raw)).astype("float32").reshape(-1, 1, 1, 1)
    log_prob = reference.compute(likelihoods.get(name).log_prob, images, np.repeat(raw, 256, axis=0)).astype("float64")
    np.testing.assert_allclose(np.exp(log_prob).reshape(-1, 256).sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("name", BYTES)
def test_both_ends_take_the_tails(name):
    raw = np.array([[[[-30.5, 0.0]]], [[[29.5, 0.0]]]], "float32")
    found = reference.compute(likelihoods.get(name).log_prob, np.array([0.0, 1.0], "float32").reshape(-1, 1, 1, 1), raw)
    np.testing.assert_allclose(found, 0.0, atol=1e-6)
    # Right at the end, half of the mass lies beyond it.
    location = np.array([[[[-0.5, -20.0]]], [[[0.5, -20.0]]]], "float32")
    found = reference.compute(
        likelihoods.get(name).log_prob, np.array([0.0, 1.0], "float32").reshape(-1, 1, 1, 1), location
    )
    assert (np.exp(found) > 0.5).all()
    assert (np.exp(found) < 1.0).all()


@pytest.mark.parametrize("name", BYTES)
def test_image_is_taken_at_its_nearest_level(name):
    likelihood = likelihoods.get(name)
    raw = np.random.default_rng(3).normal(size=(256, 1, 1, 2)).astype("float32")
    exact = reference.LEVELS.astype("float32").reshape(-1, 1, 1, 1)
    near = np.clip(exact + 0.4 * reference.LEVEL * (-1) ** np.arange(256).reshape(-1, 1, 1, 1), 0, 1)
    np.testing.assert_array_equal(
        reference.compute(likelihood.log_prob, exact, raw), reference.compute(likelihood.log_prob, near, raw)
    )


@pytest.mark.parametrize("name", BYTES)
def test_gradient_matches_finite_differences_of_the_reference(name):
    random = np.random.default_rng(4)
    images = reference.draw_images(random, (50, 1, 1, 1), name)
    parameters = (random.normal(size=(50, 1, 1, 2)) * [0.3, 2.0]).astype("float32")
    (found,) = gradients(partial(likelihoods.get(name).log_prob, images), parameters)
    raw = parameters.astype("float64")
    for channel in (0, 1):
        step = np.zeros(2)
        step[channel] = 1e-6
        expected = reference.log_prob(name, images, raw + step) - reference.log_prob(name, images, raw - step)
        np.testing.assert_allclose(found[:, 0, 0, channel], expected / 2e-6, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", BYTES)
def test_scale_is_bounded_below(name):
    # With the location on a level and the scale driven to nothing, that level must not take all the mass.
    location = np.float32(100 / 255 - 0.5)
    raw = np.array([[location, r] for r in (-1e4, -1e6, -1e8)], "float32").reshape(-1, 1, 1, 2)
    found = reference.compute(likelihoods.get(name).log_prob, np.full((3, 1, 1, 1), 100 / 255, "float32"), raw)
    scale = np.exp(-7.0)
    mass = special.erf(reference.LEVEL / 2 / scale / np.sqrt(2))
    if name == "discretized_logistic":
        mass = np.tanh(reference.LEVEL / 2 / scale / 2)
    # At raw = -1e4 the scale is still 0.2 % above its floor.
    np.testing.assert_allclose(np.exp(found), mass, rtol=1e-2)
    np.testing.assert_allclose(np.exp(found[1:]), mass, rtol=1e-4)


@pytest.mark.parametrize("name", BYTES)
def test_scale_is_bounded_above_and_comes_back(name):
    likelihood = likelihoods.get(name)
    parameters = np.array([[0.0, raw] for raw in (1e6, 80.0, -80.0)], "float32").reshape(3, 1, 1, 2)
    images = np.full((3, 1, 1, 1), 100 / 255, "float32")
    assert reference.split(parameters)[1].max() < np.exp(1.0)
    gradient = gradients(partial(likelihood.log_prob, images), parameters)[0][1:, 0, 0, 1]
    # An output that overshot either way still feels which way is better.
    assert gradient[0] < -1e-3
    assert gradient[1] > 1e-3


@pytest.mark.parametrize("name", BYTES)
def test_mean_is_that_of_the_256_levels(name):
    random = np.random.default_rng(7)
    ordinary = (random.normal(size=(300, 1, 1, 2)) * [0.4, 3.0]).astype("float32")
    raw = np.concatenate([ordinary, reference.degenerate_parameters(), reference.degenerate_parameters(1e9)])
    found = reference.compute(likelihoods.get(name).mean, raw)
    assert found.shape == (len(raw), 1, 1, 1)
    assert ((found >= 0) & (found <= 1)).all()
    # The closed form is the midpoint rule's limit: the worst is exp(-2 (pi s)^2) / pi = 0.1095 grey levels, for the
    # Gaussian at its smallest scale, s = 0.2325 levels.
    np.testing.assert_allclose(found.ravel(), reference.mean(name, raw), rtol=0, atol=0.111 * reference.LEVEL)
    # From a scale of two levels up the two agree, up to float32's digits of the scale.
    scale = reference.split(raw)[1].ravel()
    wide = (scale > 2 * reference.LEVEL) & (scale < 10)
    np.testing.assert_allclose(found.ravel()[wide], reference.mean(name, raw)[wide], rtol=0, atol=3e-5)


@pytest.mark.parametrize("name", ["bernoulli", *BYTES])
def test_samples_are_on_the_grid_and_average_to_the_mean(name):
    draws = 20_000
    raw = np.array([[0.0, 0.0], [0.3, -3.0], [-0.5, 0.0], [0.5, 2.0], [-0.1, -20.0]], "float32")
    likelihood = likelihoods.get(name)
    if name == "bernoulli":
        raw, levels = raw[:, :1] * 4, 1
        expected = special.expit(raw[:, 0].astype("float64"))
        variance = expected * (1 - expected)
    else:
        levels = 255
        expected = reference.mean(name, raw.reshape(-1, 1, 1, 2))
        probability = np.exp(reference.level_log_prob(name, raw.reshape(-1, 1, 1, 2)))
        variance = (probability * (reference.LEVELS - expected[:, None]) ** 2).sum(axis=1)
    parameters = ops.convert_to_tensor(np.broadcast_to(raw[None, None], (draws, 1, *raw.shape)))
    samples = ops.convert_to_numpy(likelihood.sample(parameters, seed=3))
    assert samples.shape == (draws, 1, len(raw), 1)
    np.testing.assert_allclose(samples * levels, np.rint(samples * levels), atol=1e-4)
    assert samples.min() >= 0
    assert samples.max() <= 1
    samples = samples[:, 0, :, 0].astype("float64")
    error = samples.std(axis=0) / np.sqrt(draws)
    assert (samples.std(axis=0) > 0).all()
    assert (np.abs(samples.mean(axis=0) - expected) < 4 * error).all()
    squares = (samples - expected) ** 2
    assert (np.abs(squares.mean(axis=0) - variance) < 4 * squares.std(axis=0) / np.sqrt(draws) + 1e-9).all()
    again = ops.convert_to_numpy(likelihood.sample(parameters, seed=3))
    np.testing.assert_array_equal(again[:, 0, :, 0], samples.astype("float32"))


@pytest.mark.parametrize("name", BYTES)
def test_samples_have_the_probabilities_of_the_levels(name):
    draws, raw = 40_000, np.array([-0.45, -2.0], "float32")
    samples = likelihoods.get(name).sample(np.broadcast_to(raw, (draws, 1, 1, 2)), seed=5)
    counts = np.bincount(np.rint(ops.convert_to_numpy(samples) * 255).astype(int).ravel(), minlength=256)
    images = reference.LEVELS.reshape(-1, 1, 1, 1)
    probability = np.exp(reference.log_prob(name, images, np.broadcast_to(raw, (256, 1, 1, 2))))
    often = probability * draws > 20
    assert often[0]
    score = (counts[often] - probability[often] * draws) / np.sqrt(probability[often] * draws)
    assert np.abs(score).max() < 5
