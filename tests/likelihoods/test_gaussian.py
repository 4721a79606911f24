"""The normal density of real values."""

import numpy as np
import pytest
from keras import ops
from scipy import integrate, stats
from support import likelihood_reference as reference

from zoo import likelihoods

GAUSSIAN = likelihoods.get("gaussian")


@pytest.mark.parametrize("raw", [(0.0, 0.0), (0.3, -3.0), (-0.7, 5.0), (2.0, -100.0)])
def test_it_integrates_to_one(raw):
    parameters = np.array(raw, "float32").reshape(1, 1, 1, 2)
    location, scale = (part.item() for part in reference.split(parameters))

    def density(values):
        images = np.asarray(values, "float32").reshape(-1, 1, 1, 1)
        raw = np.broadcast_to(parameters, (len(images), 1, 1, 2))
        return np.exp(reference.compute(GAUSSIAN.log_prob, images, raw).astype("float64"))

    grid = np.linspace(location - 9 * scale, location + 9 * scale, 4001)
    assert integrate.simpson(density(grid), x=grid) == pytest.approx(1.0, abs=1e-4)


def test_log_prob_is_scipys_also_outside_the_unit_interval():
    random = np.random.default_rng(0)
    images = random.normal(size=(40, 3, 2, 1)).astype("float32") * 2
    raw = (random.normal(size=(40, 3, 2, 2)) * [0.5, 4.0]).astype("float32")
    location, scale = reference.split(raw)
    expected = stats.norm.logpdf(images.astype("float64"), location, scale).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(reference.compute(GAUSSIAN.log_prob, images, raw), expected, rtol=1e-5, atol=1e-4)


def test_samples_have_the_mean_and_the_variance():
    draws, raw = 40_000, np.array([[0.0, 0.0], [0.4, 3.0], [-0.6, -4.0]], "float32")
    parameters = np.broadcast_to(raw[None, None], (draws, 1, 3, 2))
    samples = ops.convert_to_numpy(GAUSSIAN.sample(parameters, seed=1))[:, 0, :, 0].astype("float64")
    location, scale = (part[:, 0] for part in reference.split(raw))
    assert (np.abs(samples.mean(axis=0) - location) < 4 * scale / np.sqrt(draws)).all()
    assert (np.abs(samples.var(axis=0) / scale**2 - 1) < 4 * np.sqrt(2 / draws)).all()
    assert samples.min() < 0
    assert samples.max() > 1


def test_mean_is_an_image():
    raw = np.array([[-3.0, 0.0], [-0.5, 0.0], [0.2, 5.0], [7.0, 0.0]], "float32").reshape(4, 1, 1, 2)
    np.testing.assert_allclose(reference.compute(GAUSSIAN.mean, raw).ravel(), [0.0, 0.0, 0.7, 1.0], atol=1e-6)
