import functools
from functools import partial

import keras
import numpy as np
import pytest
from gradients import gradients
from keras import ops
from scipy import special

from zoo import likelihoods
from zoo.errors import UnknownNameError
from zoo.likelihoods import Likelihood, PixelLoss

BYTES = ("discretized_gaussian", "discretized_logistic")
LEVELS = np.arange(256) / 255
LEVEL = 1 / 255


def name_of(item):
    """Give a test's id: no address of an object, which differs between processes."""
    return item if isinstance(item, str) else getattr(item, "name", None) or item.__name__


def split(raw):
    """Give location and scale in float64: raw + 0.5, and exp(-3 + 4 t / (1 + |t|)) of t = raw / 4 + 1/3."""
    location, raw_scale = np.split(np.asarray(raw, "float64"), 2, axis=-1)
    turned = raw_scale / 4 + 1 / 3
    return location + 0.5, np.exp(-3 + 4 * turned / (1 + np.abs(turned)))


def log_cdf(name, x):
    return special.log_ndtr(x) if name == "discretized_gaussian" else -np.logaddexp(0, -x)


def log_difference(high, low):
    return high + np.log(-np.expm1(low - high))


def reference_values(name, images, raw):
    """Give log p of every value in float64: each level has the mass within half a level of it, the ends the tails."""
    images = np.asarray(images, "float64")
    if name == "bernoulli":
        raw = np.asarray(raw, "float64")
        return images * raw - np.logaddexp(0, raw)
    location, scale = split(raw)
    level = np.rint(images * 255) / 255
    upper, lower = (level + LEVEL / 2 - location) / scale, (level - LEVEL / 2 - location) / scale
    # Both densities are symmetric: above the center the mass is that of the mirrored interval, a lower tail.
    above = lower + upper > 0
    high, low = np.where(above, -lower, upper), np.where(above, -upper, lower)
    inside = log_difference(log_cdf(name, high), log_cdf(name, low))
    return np.where(level <= 0, log_cdf(name, upper), np.where(level >= 1, log_cdf(name, -lower), inside))


def reference_log_prob(name, images, raw):
    values = reference_values(name, images, raw)
    return values.reshape(len(values), -1).sum(axis=1)


def reference_mean(name, raw):
    """Give the mean over the 256 levels, by brute force, of each value of ``(n, 1, 1, 2)`` parameters."""
    raw = np.asarray(raw)
    images = np.broadcast_to(LEVELS[None, :, None, None], (len(raw), 256, 1, 1))
    probability = np.exp(reference_values(name, images, np.broadcast_to(raw, (len(raw), 256, 1, 2))))
    return (probability * images).sum(axis=(1, 2, 3))


def compute(function, *arguments):
    return ops.convert_to_numpy(function(*(ops.convert_to_tensor(a, "float32") for a in arguments)))


def draw_images(random, shape, name):
    images = random.integers(0, 256, shape) / 255
    images.reshape(-1)[:2] = 0.0, 1.0
    return (images > 0.5).astype("float32") if name == "bernoulli" else images.astype("float32")


def degenerate_parameters(limit=1e6):
    """Give ``(n, 1, 1, 2)``: every pair of ordinary, extreme and degenerate locations and log-scales."""
    location = [0.0, -0.5, 0.5, 0.25, -0.5 + LEVEL / 2, 1.0, -1.0, 30.0, -30.0, 1e3, -1e3, limit, -limit]
    raw_scale = [0.0, -3.0, 3.0, 10.0, -10.0, -100.0, 100.0, -limit, limit]
    return np.array([[a, b] for a in location for b in raw_scale], "float32").reshape(-1, 1, 1, 2)


@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
@pytest.mark.parametrize("spread", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_log_prob_matches_float64(name, spread, channels):
    random = np.random.default_rng(1)
    likelihood = likelihoods.get(name)
    images = draw_images(random, (20, 8, 7, channels), name)
    raw = random.normal(scale=spread, size=(20, 8, 7, likelihood.output_channels(channels))).astype("float32")
    found = compute(likelihood.log_prob, images, raw)
    assert found.shape == (20,)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference_log_prob(name, images, raw), rtol=1e-5)


@pytest.mark.parametrize("name", BYTES)
def test_log_prob_matches_float64_at_extreme_parameters(name):
    raw = np.repeat(degenerate_parameters(), 256, axis=0)
    images = np.tile(LEVELS, len(raw) // 256).astype("float32").reshape(-1, 1, 1, 1)
    found, expected = compute(likelihoods.get(name).log_prob, images, raw), reference_log_prob(name, images, raw)
    # Images and locations are float32: an ulp of either, 6e-8, is 7e-5 of the smallest scale. The log density changes
    # by as many nats for a logistic, and by the distance times as many for a Gaussian.
    location, scale = (part[:, 0, 0, 0] for part in split(raw))
    distance = np.abs(images[:, 0, 0, 0] - location) / scale
    slope = 1 if name == "discretized_logistic" else 1 + distance
    rounding = slope * 1.2e-7 * np.maximum(1, np.abs(location)) / scale
    assert (np.abs(found - expected) <= 1e-5 * np.abs(expected) + rounding + 1e-6).all()


def test_bernoulli_matches_float64_at_extreme_logits():
    logits = np.array([0, 1e-3, -1e-3, 20, -20, 100, -100, 1e4, -1e4, 1e9, -1e9], "float32").reshape(-1, 1, 1, 1)
    for value in (0.0, 0.3, 1.0):
        images = np.full_like(logits, value)
        found = compute(likelihoods.get("bernoulli").log_prob, images, logits)
        np.testing.assert_allclose(found, reference_log_prob("bernoulli", images, logits), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("name", BYTES)
def test_probabilities_of_the_256_levels_sum_to_one(name):
    random = np.random.default_rng(2)
    raw = np.concatenate([
        random.normal(size=(200, 1, 1, 2)) * [0.5, 3.0],
        random.normal(size=(200, 1, 1, 2)) * 20.0,
        degenerate_parameters(),
    ]).astype("float32")  # fmt: skip
    images = np.tile(LEVELS, len(raw)).astype("float32").reshape(-1, 1, 1, 1)
    log_prob = compute(likelihoods.get(name).log_prob, images, np.repeat(raw, 256, axis=0)).astype("float64")
    np.testing.assert_allclose(np.exp(log_prob).reshape(-1, 256).sum(axis=1), 1.0, atol=1e-5)


def test_probabilities_of_bernoulli_sum_to_one():
    logits = np.linspace(-50, 50, 201, dtype="float32").reshape(-1, 1, 1, 1)
    one, zero = (compute(likelihoods.get("bernoulli").log_prob, np.full_like(logits, v), logits) for v in (1.0, 0.0))
    np.testing.assert_allclose(np.exp(one.astype("float64")) + np.exp(zero.astype("float64")), 1.0, atol=1e-6)


@pytest.mark.parametrize("name", BYTES)
def test_both_ends_take_the_tails(name):
    raw = np.array([[[[-30.5, 0.0]]], [[[29.5, 0.0]]]], "float32")
    found = compute(likelihoods.get(name).log_prob, np.array([0.0, 1.0], "float32").reshape(-1, 1, 1, 1), raw)
    np.testing.assert_allclose(found, 0.0, atol=1e-6)
    # Right at the end, half of the mass lies beyond it.
    location = np.array([[[[-0.5, -20.0]]], [[[0.5, -20.0]]]], "float32")
    found = compute(likelihoods.get(name).log_prob, np.array([0.0, 1.0], "float32").reshape(-1, 1, 1, 1), location)
    assert (np.exp(found) > 0.5).all()
    assert (np.exp(found) < 1.0).all()


@pytest.mark.parametrize("name", BYTES)
def test_image_is_taken_at_its_nearest_level(name):
    likelihood = likelihoods.get(name)
    raw = np.random.default_rng(3).normal(size=(256, 1, 1, 2)).astype("float32")
    exact = LEVELS.astype("float32").reshape(-1, 1, 1, 1)
    near = np.clip(exact + 0.4 * LEVEL * (-1) ** np.arange(256).reshape(-1, 1, 1, 1), 0, 1)
    np.testing.assert_array_equal(compute(likelihood.log_prob, exact, raw), compute(likelihood.log_prob, near, raw))


@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
def test_gradients_are_finite_everywhere(name):
    raw = degenerate_parameters()
    if name == "bernoulli":
        raw = raw[..., :1]
    for value in (0.0, LEVEL, 0.5, 1 - LEVEL, 1.0):
        images = np.full((len(raw), 1, 1, 1), value, "float32")
        log_prob = partial(likelihoods.get(name).log_prob, images)
        assert np.isfinite(keras.ops.convert_to_numpy(log_prob(raw))).all()
        assert np.isfinite(gradients(log_prob, raw)[0]).all()


@pytest.mark.parametrize("name", BYTES)
def test_gradient_matches_finite_differences_of_the_reference(name):
    random = np.random.default_rng(4)
    images = draw_images(random, (50, 1, 1, 1), name)
    parameters = (random.normal(size=(50, 1, 1, 2)) * [0.3, 2.0]).astype("float32")
    (found,) = gradients(partial(likelihoods.get(name).log_prob, images), parameters)
    raw = parameters.astype("float64")
    for channel in (0, 1):
        step = np.zeros(2)
        step[channel] = 1e-6
        expected = reference_log_prob(name, images, raw + step) - reference_log_prob(name, images, raw - step)
        np.testing.assert_allclose(found[:, 0, 0, channel], expected / 2e-6, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", BYTES)
def test_scale_is_bounded_below(name):
    # With the location on a level and the scale driven to nothing, that level must not take all the mass.
    location = np.float32(100 / 255 - 0.5)
    raw = np.array([[location, r] for r in (-1e4, -1e6, -1e8)], "float32").reshape(-1, 1, 1, 2)
    found = compute(likelihoods.get(name).log_prob, np.full((3, 1, 1, 1), 100 / 255, "float32"), raw)
    scale = np.exp(-7.0)
    mass = special.erf(LEVEL / 2 / scale / np.sqrt(2))
    if name == "discretized_logistic":
        mass = np.tanh(LEVEL / 2 / scale / 2)
    # At raw = -1e4 the scale is still 0.2 % above its floor.
    np.testing.assert_allclose(np.exp(found), mass, rtol=1e-2)
    np.testing.assert_allclose(np.exp(found[1:]), mass, rtol=1e-4)


@pytest.mark.parametrize("name", BYTES)
def test_scale_is_bounded_above_and_comes_back(name):
    likelihood = likelihoods.get(name)
    parameters = np.array([[0.0, raw] for raw in (1e6, 80.0, -80.0)], "float32").reshape(3, 1, 1, 2)
    images = np.full((3, 1, 1, 1), 100 / 255, "float32")
    assert split(parameters)[1].max() < np.exp(1.0)
    gradient = gradients(partial(likelihood.log_prob, images), parameters)[0][1:, 0, 0, 1]
    # An output that overshot either way still feels which way is better.
    assert gradient[0] < -1e-3
    assert gradient[1] > 1e-3


@pytest.mark.parametrize("name", [*likelihoods.LIKELIHOODS, "mse"])
def test_twice_the_image_costs_twice(name):
    random = np.random.default_rng(5)
    likelihood = likelihoods.get(name)
    images = draw_images(random, (6, 8, 8, 3), name)
    raw = random.normal(size=(6, 8, 8, likelihood.output_channels(3))).astype("float32")
    once = compute(likelihood.log_prob, images, raw)
    twice = compute(likelihood.log_prob, np.tile(images, (1, 2, 1, 1)), np.tile(raw, (1, 2, 1, 1)))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)


@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
def test_as_a_loss_it_is_the_mean_over_the_batch(name):
    random = np.random.default_rng(6)
    likelihood = likelihoods.get(name)
    images = draw_images(random, (5, 4, 4, 1), name)
    raw = random.normal(size=(5, 4, 4, likelihood.output_channels(1))).astype("float32")
    found = float(likelihood(images, raw))
    np.testing.assert_allclose(found, -reference_log_prob(name, images, raw).mean(), rtol=1e-5)


@pytest.mark.parametrize("name", BYTES)
def test_mean_is_that_of_the_256_levels(name):
    random = np.random.default_rng(7)
    ordinary = (random.normal(size=(300, 1, 1, 2)) * [0.4, 3.0]).astype("float32")
    raw = np.concatenate([ordinary, degenerate_parameters(), degenerate_parameters(1e9)])
    found = compute(likelihoods.get(name).mean, raw)
    assert found.shape == (len(raw), 1, 1, 1)
    assert ((found >= 0) & (found <= 1)).all()
    # The closed form is the midpoint rule's limit: the worst is exp(-2 (pi s)^2) / pi = 0.1095 grey levels, for the
    # Gaussian at its smallest scale, s = 0.2325 levels.
    np.testing.assert_allclose(found.ravel(), reference_mean(name, raw), rtol=0, atol=0.111 * LEVEL)
    # From a scale of two levels up the two agree, up to float32's digits of the scale.
    scale = split(raw)[1].ravel()
    wide = (scale > 2 * LEVEL) & (scale < 10)
    np.testing.assert_allclose(found.ravel()[wide], reference_mean(name, raw)[wide], rtol=0, atol=3e-5)


def test_mean_of_bernoulli_is_the_probability():
    logits = np.linspace(-40, 40, 81, dtype="float32").reshape(1, 9, 9, 1)
    np.testing.assert_allclose(
        compute(likelihoods.get("bernoulli").mean, logits), special.expit(logits.astype("float64")), rtol=1e-5
    )


@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
def test_samples_are_on_the_grid_and_average_to_the_mean(name):
    draws = 20_000
    raw = np.array([[0.0, 0.0], [0.3, -3.0], [-0.5, 0.0], [0.5, 2.0], [-0.1, -20.0]], "float32")
    likelihood = likelihoods.get(name)
    if name == "bernoulli":
        raw, levels = raw[:, :1] * 4, 1
        expected = special.expit(raw[:, 0].astype("float64"))
    else:
        levels = 255
        expected = reference_mean(name, raw.reshape(-1, 1, 1, 2))
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
    again = ops.convert_to_numpy(likelihood.sample(parameters, seed=3))
    np.testing.assert_array_equal(again[:, 0, :, 0], samples.astype("float32"))


@pytest.mark.parametrize("name", BYTES)
def test_samples_have_the_probabilities_of_the_levels(name):
    draws, raw = 40_000, np.array([-0.45, -2.0], "float32")
    samples = likelihoods.get(name).sample(np.broadcast_to(raw, (draws, 1, 1, 2)), seed=5)
    counts = np.bincount(np.rint(ops.convert_to_numpy(samples) * 255).astype(int).ravel(), minlength=256)
    images = LEVELS.reshape(-1, 1, 1, 1)
    probability = np.exp(reference_log_prob(name, images, np.broadcast_to(raw, (256, 1, 1, 2))))
    often = probability * draws > 20
    assert often[0]
    score = (counts[often] - probability[often] * draws) / np.sqrt(probability[often] * draws)
    assert np.abs(score).max() < 5


@pytest.mark.parametrize(
    ("name", "support", "channels"),
    [("bernoulli", "binary", 3), ("discretized_gaussian", "bytes", 6), ("discretized_logistic", "bytes", 6),
     ("mse", None, 3)],
)  # fmt: skip
def test_support_and_output_channels(name, support, channels):
    likelihood = likelihoods.get(name)
    assert likelihood.support == support
    assert likelihood.output_channels(3) == channels


@pytest.mark.parametrize(
    "given",
    ["bernoulli", "discretized_gaussian", "discretized_logistic", "mse", "binary_crossentropy",
     keras.losses.Huber(), keras.losses.BinaryCrossentropy(label_smoothing=0.1)],
    ids=name_of,
)  # fmt: skip
def test_survives_serialization(given):
    likelihood = likelihoods.get(given)
    config = keras.saving.serialize_keras_object(likelihood)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(likelihood)
    assert again.identifier == likelihood.identifier
    assert again.get_config() == likelihood.get_config()
    random = np.random.default_rng(8)
    images = draw_images(random, (4, 3, 3, 1), likelihood.identifier)
    raw = random.normal(size=(4, 3, 3, likelihood.output_channels(1))).astype("float32")
    np.testing.assert_array_equal(compute(again.log_prob, images, raw), compute(likelihood.log_prob, images, raw))


def test_get_takes_names_instances_and_keras_losses():
    for name, cls in likelihoods.LIKELIHOODS.items():
        assert type(likelihoods.get(name)) is cls
        assert likelihoods.get(name).identifier == name
    instance = likelihoods.DiscretizedLogistic()
    assert likelihoods.get(instance) is instance
    for loss in ("mse", keras.losses.MeanSquaredError(), keras.losses.mean_squared_error):
        assert isinstance(likelihoods.get(loss), PixelLoss)


@pytest.mark.parametrize(
    ("name", "near"), [("bernouli", "bernoulli"), ("discretised_logistic", "discretized_logistic")]
)
def test_unknown_name_gives_the_nearest(name, near):
    with pytest.raises(UnknownNameError, match=f"{name}.*'{near}'"):
        likelihoods.get(name)


@pytest.mark.parametrize("given", [None, 3, ["mse"]])
def test_get_refuses_what_is_no_loss(given):
    with pytest.raises(TypeError, match="expected a name"):
        likelihoods.get(given)


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.BinaryCrossentropy(from_logits=True),
        keras.losses.BinaryFocalCrossentropy(from_logits=True),
        functools.partial(keras.losses.binary_crossentropy, from_logits=True),
    ],
    ids=["BinaryCrossentropy", "BinaryFocalCrossentropy", "partial"],
)
def test_losses_of_logits_are_refused(loss):
    with pytest.raises(ValueError, match="from_logits=True: expected a loss of values"):
        likelihoods.get(loss)


def squared_error_of_the_batch(images, means):
    return ops.mean(ops.square(images - means))


@pytest.mark.parametrize(
    "loss",
    [keras.losses.CosineSimilarity(), keras.losses.CategoricalCrossentropy(), keras.losses.Dice(),
     keras.losses.KLDivergence(), keras.losses.Circle(), "sparse_categorical_crossentropy", "ctc",
     squared_error_of_the_batch],
    ids=name_of,
)  # fmt: skip
def test_losses_that_do_not_compare_value_by_value_are_refused(loss):
    with pytest.raises(ValueError, match="does not compare value by value"):
        likelihoods.get(loss)


def squared_error_of_pixels(images, means):
    return ops.mean(ops.square(images - means), axis=-1)


def huber(x, p, delta=0.2):
    return np.where(abs(x - p) < delta, (x - p) ** 2 / 2, delta * abs(x - p) - delta**2 / 2)


@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        ("mse", lambda x, p: (x - p) ** 2),
        (keras.losses.MeanSquaredError(reduction="sum"), lambda x, p: (x - p) ** 2),
        (squared_error_of_pixels, lambda x, p: (x - p) ** 2),
        ("mae", lambda x, p: np.abs(x - p)),
        (keras.losses.Huber(delta=0.2), huber),
        ("binary_crossentropy", lambda x, p: -x * np.log(p) - (1 - x) * np.log(1 - p)),
    ],
    ids=["mse", "MeanSquaredError(sum)", "function", "mae", "huber", "binary_crossentropy"],
)  # fmt: skip
def test_pixel_loss_sums_over_pixels_and_channels(loss, formula):
    random = np.random.default_rng(9)
    images = random.uniform(size=(5, 6, 4, 3)).astype("float32")
    raw = random.normal(size=(5, 6, 4, 3)).astype("float32")
    likelihood = likelihoods.get(loss)
    expected = formula(images.astype("float64"), special.expit(raw.astype("float64"))).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(compute(likelihood.log_prob, images, raw), -expected, rtol=1e-5)
    np.testing.assert_allclose(compute(likelihood.mean, raw), special.expit(raw), rtol=1e-6)


def test_pixel_loss_and_base_class_have_no_draws():
    with pytest.raises(TypeError, match="does not define sample"):
        likelihoods.get("mse").sample(np.zeros((1, 2, 2, 1)))
    with pytest.raises(TypeError, match="does not define _log_prob"):
        Likelihood().log_prob(np.zeros((1, 2, 2, 1)), np.zeros((1, 2, 2, 1)))


@pytest.mark.parametrize("name", [*likelihoods.LIKELIHOODS, "mse"])
def test_half_precision_parameters_are_computed_in_float32(name):
    likelihood = likelihoods.get(name)
    raw = np.random.default_rng(10).normal(size=(2, 8, 8, likelihood.output_channels(1))).astype("float16")
    images = draw_images(np.random.default_rng(11), (2, 8, 8, 1), name)
    found = likelihood.log_prob(ops.convert_to_tensor(images), ops.convert_to_tensor(raw))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_array_equal(ops.convert_to_numpy(found), compute(likelihood.log_prob, images, raw))
    assert keras.backend.standardize_dtype(likelihood.mean(ops.convert_to_tensor(raw)).dtype) == "float32"
