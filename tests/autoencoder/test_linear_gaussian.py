"""Bounds against the truth: probabilistic PCA (Tipping and Bishop 1999), whose log p(x) and posterior are known."""

import math

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy import stats

import zoo
from zoo.autoencoder.model import AutoEncoder
from zoo.evaluation import bounds

SHAPE, LATENT, NOISE = (4, 4, 1), 3, 0.1
random = np.random.default_rng(0)
# Orthogonal columns: the exact posterior's covariance is then diagonal.
LOADINGS = np.linalg.qr(random.normal(size=(16, LATENT)))[0] * [0.4, 0.25, 0.15]
CENTER = random.uniform(0.4, 0.6, size=16)
IMAGES = np.clip(
    CENTER + random.normal(size=(40, LATENT)) @ LOADINGS.T + NOISE * random.normal(size=(40, 16)), 0, 1
).reshape(40, *SHAPE)
PRECISION = (LOADINGS**2).sum(axis=0) + NOISE**2
EVIDENCE = stats.multivariate_normal(CENTER, LOADINGS @ LOADINGS.T + NOISE**2 * np.eye(16)).logpdf(
    IMAGES.reshape(40, 16)
)


def linear(inputs, kernel, bias):
    layer = layers.Dense(len(bias))
    outputs = layer(inputs)
    layer.set_weights([np.asarray(kernel, "float32"), np.asarray(bias, "float32")])
    return outputs


def raw_scale(scale):
    """Invert the likelihood's scale, exp(-3 + 4 t / (1 + |t|)) of t = raw / 4 + 1/3."""
    bounded = (math.log(scale) + 3) / 4
    return 4 * (bounded / (1 - abs(bounded)) - 1 / 3)


def make_model(shift=0.0, widen=1.0):
    """Make the model with its exact posterior, or with one whose mean is moved and whose deviation is widened."""
    images = keras.Input(SHAPE)
    flat = layers.Flatten()(images)
    to_mean = LOADINGS / PRECISION
    std = widen * NOISE / np.sqrt(PRECISION)
    mean = linear(flat, to_mean, shift * std - CENTER @ to_mean)
    encoder = keras.Model(images, (mean, linear(flat, np.zeros((16, LATENT)), std)))
    latents = keras.Input((LATENT,))
    location = linear(latents, LOADINGS.T, CENTER - 0.5)
    scale = linear(latents, np.zeros((LATENT, 16)), np.full(16, raw_scale(NOISE)))
    raw = layers.Concatenate()([layers.Reshape(SHAPE)(location), layers.Reshape(SHAPE)(scale)])
    return AutoEncoder(encoder, keras.Model(latents, raw), "gaussian", seed=0)


def exact_elbo(model):
    """Return the bound without a draw: log p(x|z) is quadratic, so 2 * latents sigma points give its exact mean."""
    mean, std = model.encode(IMAGES)
    total = 0.0
    for latent in range(LATENT):
        step = np.zeros(LATENT, "float32")
        step[latent] = math.sqrt(LATENT)
        for sign in (1, -1):
            reconstruction, kl = model.elbo_terms(IMAGES, z=mean + sign * step * std)
            total = total + ops.convert_to_numpy(reconstruction).astype("float64") / (2 * LATENT)
    return -(total + ops.convert_to_numpy(kl))


def test_bound_with_the_exact_posterior_is_the_evidence():
    np.testing.assert_allclose(exact_elbo(make_model()), EVIDENCE, atol=1e-4)


def test_weights_of_the_exact_posterior_are_all_the_evidence():
    weights = ops.convert_to_numpy(make_model().log_weights(IMAGES, 20, seed=1))
    np.testing.assert_allclose(weights, np.broadcast_to(EVIDENCE, (20, 40)), atol=1e-4)


@pytest.mark.parametrize("samples", [1, 7, 1200])
def test_scores_of_the_exact_posterior_do_not_depend_on_k(samples):
    scores = zoo.evaluate(make_model(), IMAGES, importance_samples=samples)
    assert scores["iwae"] == {"k": samples, "nats": pytest.approx(-EVIDENCE.mean(), abs=1e-4), "images": 40}
    assert scores["bits_per_dim"] is None  # a density has none


@pytest.mark.parametrize(("shift", "widen"), [(0.7, 1.0), (0.0, 1.6), (-0.5, 0.6)])
def test_bound_with_another_posterior_misses_the_divergence_from_the_exact_one(shift, widen):
    # KL between Gaussians: the bound is below the evidence by just this (Kingma and Welling 2014, equation 1).
    gap = LATENT * (math.log(1 / widen) + (widen**2 + (shift * widen) ** 2 - 1) / 2)
    np.testing.assert_allclose(exact_elbo(make_model(shift, widen)), EVIDENCE - gap, atol=1e-4)


def test_importance_weighted_bound_climbs_to_the_evidence():
    model = make_model(shift=0.6, widen=1.3)
    elbo = exact_elbo(model).mean()
    repeats = {1: 80, 3: 60, 10: 40, 100: 12}
    found = {}
    for samples, times in repeats.items():
        again = np.tile(IMAGES, (times, 1, 1, 1))  # in one call, which is compiled once
        runs = -bounds.importance_weighted_bound(model, again, samples, seed=0).reshape(times, -1).mean(axis=1)
        found[samples] = np.mean(runs), np.std(runs, ddof=1) / math.sqrt(times)
    # One sample is the evidence lower bound.
    assert abs(found[1][0] - elbo) < 4 * found[1][1]
    for few, many in ((1, 3), (3, 10), (10, 100)):
        assert found[many][0] - found[few][0] > 4 * math.hypot(found[few][1], found[many][1])
    assert all(mean < EVIDENCE.mean() + 4 * error for mean, error in found.values())
    assert elbo < EVIDENCE.mean() - 0.5
    many = zoo.evaluate(model, IMAGES, importance_samples=5000)["iwae"]["nats"]
    assert many == pytest.approx(-EVIDENCE.mean(), abs=0.05)


def test_divergence_is_that_of_the_samples_and_zero_at_the_prior():
    model = make_model(shift=0.6, widen=1.3)
    _, log_ratio, kl = (ops.convert_to_numpy(term) for term in model.importance_terms(IMAGES, 4000, seed=2))
    error = log_ratio.std(axis=0) / math.sqrt(4000)
    assert (np.abs(-log_ratio.mean(axis=0) - kl) < 4.5 * error).all()
    scores = zoo.evaluate(model, IMAGES)
    assert len(scores["kl_per_latent"]) == LATENT
    assert min(scores["kl_per_latent"]) > 0.1
    assert sum(scores["kl_per_latent"]) == pytest.approx(scores["kl"], rel=1e-6)
    mean, std = model.encode(IMAGES)
    by_hand = ((mean**2 + std**2 - 1) / 2 - np.log(std)).mean(axis=0)
    np.testing.assert_allclose(scores["kl_per_latent"], by_hand, rtol=1e-5)

    images = keras.Input(SHAPE)
    flat = layers.Flatten()(images)
    nothing = np.zeros((16, LATENT))
    at_prior = keras.Model(images, (linear(flat, nothing, np.zeros(LATENT)), linear(flat, nothing, np.ones(LATENT))))
    model = AutoEncoder(at_prior, model.decoder, "gaussian")
    assert zoo.evaluate(model, IMAGES)["kl"] == 0
    _, log_ratio, _ = model.importance_terms(IMAGES, 5, seed=3)
    np.testing.assert_array_equal(ops.convert_to_numpy(log_ratio), 0)
