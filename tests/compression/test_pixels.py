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

    def sample(self, parameters, seed=None):
        return ops.cast(parameters > 0, "float32")


class OnlyWhole(Likelihood):
    support = "bytes"

    def log_prob(self, images, parameters):
        return -ops.mean(ops.square(images - parameters), axis=(1, 2, 3))


class Spread(Likelihood):
    """A likelihood of all channels of a pixel together."""

    support = "bytes"

    def _log_prob(self, images, parameters):
        return ops.sum(images * parameters, axis=-1)


def probabilities(likelihood, parameters, levels):
    """What the coder uses for each channel of pixels whose levels are ``(n, channels)``: ``(n, channels, levels)``."""
    coder = PixelCoder(likelihood, levels.shape[1])
    split = coder.distribution.split(parameters)
    tables = [
        coder.distribution.probabilities(split, step, levels[:, : step.start]) for step in coder.distribution.steps
    ]
    return np.concatenate([table.reshape(len(levels), -1, coder.levels) for table in tables], axis=1)


@pytest.mark.parametrize("spread", [0.3, 3.0, 30.0])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("likelihood", [*LIKELIHOODS, pytest.param(Halves(), id="halves")])
def test_they_are_those_of_the_likelihood(likelihood, channels, spread):
    likelihood = zoo.likelihoods.get(likelihood)
    random = np.random.default_rng(0)
    parameters = (spread * random.normal(size=(20, 1, 1, likelihood.output_channels(channels)))).astype("float32")
    images = ops.convert_to_numpy(likelihood.sample(parameters, seed=0))
    top = 1 if likelihood.support == "binary" else 255
    levels = np.rint(images[:, 0, 0] * top).astype(int)
    found = probabilities(likelihood, parameters[:, 0, 0], levels)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6)
    # The chain rule, for every level of the last channel.
    before = np.take_along_axis(found, levels[..., None], -1)[:, :-1, 0].prod(axis=1)
    every = np.repeat(images[None], top + 1, axis=0)
    every[..., -1] = (np.arange(top + 1) / top)[:, None, None, None]
    repeated = np.tile(parameters, (top + 1, 1, 1, 1))
    expected = np.exp(ops.convert_to_numpy(likelihood.log_prob(every.reshape(-1, *images.shape[1:]), repeated)))
    np.testing.assert_allclose(before * found[:, -1].T, expected.reshape(top + 1, -1), rtol=2e-3, atol=1e-9)


@pytest.mark.parametrize("likelihood", ["gaussian", "mse"])
def test_a_density_is_no_probability(likelihood):
    with pytest.raises(CompressionError, match=r"gives no probability to the levels of a pixel: expected .*bernoulli"):
        PixelCoder(zoo.likelihoods.get(likelihood), 1)


@pytest.mark.parametrize("likelihood", [OnlyWhole(), Spread()])
def test_a_likelihood_of_whole_images_or_pixels_is_refused(likelihood):
    with pytest.raises(CompressionError, match="gives no probability to a single value"):
        PixelCoder(likelihood, 3)
