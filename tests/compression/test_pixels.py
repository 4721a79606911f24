"""The probabilities of a pixel's values against the likelihood itself, level by level."""

import numpy as np
import pytest
from keras import ops

import zoo
from zoo.compression.pixels import PixelCoder
from zoo.errors import CompressionError
from zoo.likelihoods import Likelihood

LIKELIHOODS = ["bernoulli", "discretized_logistic", "discretized_gaussian", "logistic_mixture:1", "logistic_mixture:4"]


class Halves(Likelihood):
    """Grey levels below and above the middle, one of them with the probability of a coin."""

    support = "bytes"

    def _log_prob(self, images, parameters):
        high = ops.cast(images > 0.5, "float32")
        return -high * ops.softplus(-parameters) - (1 - high) * ops.softplus(parameters) - np.log(128.0)


class OnlyWhole(Likelihood):
    support = "bytes"

    def log_prob(self, images, parameters):
        return -ops.mean(ops.square(images - parameters), axis=(1, 2, 3))


class Spread(Likelihood):
    """A likelihood of all channels of a pixel together."""

    support = "bytes"

    def _log_prob(self, images, parameters):
        return ops.sum(images * parameters, axis=-1)


def probabilities(likelihood, parameters, channels, earlier):
    """What the coder uses for each step, ``(pixels, channels, levels)``."""
    coder = PixelCoder(likelihood, channels)
    tables = coder._distribution.split(parameters)
    parts = [coder._distribution.probabilities(tables, step, earlier[:, : step.start]) for step in coder._distribution.steps]
    found = np.concatenate([part.reshape(len(parameters), -1, coder.levels) for part in parts], axis=1)
    return coder, found / found.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("spread", [0.3, 3.0, 30.0])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("likelihood", [*LIKELIHOODS, Halves()], ids=str)
def test_they_are_those_of_the_likelihood(likelihood, channels, spread):
    likelihood = zoo.likelihoods.get(likelihood)
    random = np.random.default_rng(0)
    count = 20
    parameters = (spread * random.normal(size=(count, likelihood.output_channels(channels)))).astype("float32")
    levels = 2 if likelihood.support == "binary" else 256
    earlier = random.integers(0, levels, (count, channels))
    _, found = probabilities(likelihood, parameters, channels, earlier)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-9)
    # The chain rule: log p of all channels is the sum over the steps, whatever the levels are.
    joint = np.log(np.take_along_axis(found, earlier[..., None], -1)[..., 0]).sum(axis=1)
    images = (earlier / (levels - 1)).astype("float32")[:, None, None]
    expected = ops.convert_to_numpy(likelihood.log_prob(images, parameters[:, None, None]))
    seen = expected > -30  # Below, float64 and float32 round differently, and no coder tells.
    np.testing.assert_allclose(joint[seen], expected[seen], rtol=2e-3, atol=2e-3)
    # Every level of the last channel, given the others.
    for level in range(levels):
        images[..., -1] = level / (levels - 1)
        joint_level = ops.convert_to_numpy(likelihood.log_prob(images, parameters[:, None, None]))
        ratio = np.exp(joint_level - expected)[seen]
        given = found[seen, -1, level] / np.take_along_axis(found[seen, -1], earlier[seen, -1:], -1)[:, 0]
        np.testing.assert_allclose(given * np.exp(expected[seen]), ratio * np.exp(expected[seen]), rtol=5e-3, atol=1e-6)


@pytest.mark.parametrize("likelihood", ["gaussian", "mse"])
def test_a_density_is_no_probability(likelihood):
    with pytest.raises(CompressionError, match=r"gives no probability to the levels of a pixel: expected .*bernoulli"):
        PixelCoder(zoo.likelihoods.get(likelihood), 1)


@pytest.mark.parametrize("likelihood", [OnlyWhole(), Spread()])
def test_a_likelihood_of_whole_images_or_pixels_is_refused(likelihood):
    with pytest.raises(CompressionError, match="gives no probability to a single value"):
        PixelCoder(likelihood, 3)
