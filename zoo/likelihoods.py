"""The likelihoods p(x given z) that the zoo has, and ``get``, which knows them by name."""

from __future__ import annotations

import difflib
import math
from typing import Any

import keras
from keras import ops

from zoo.errors import UnknownNameError
from zoo.likelihood import LIKELIHOODS, Likelihood
from zoo.pixel_loss import PixelLoss
from zoo.special import log1mexp, log_normal_cdf, log_normal_interval

Tensor = Any

LEVELS = 256
LEVEL = 1.0 / (LEVELS - 1)
MID_LEVEL = 0.5 * (LEVELS - 1)
FAR = 20.0  # scales beyond which no density has mass that float32 could tell
# exp(-7) is 0.23 of a grey level: no single value can take all the mass, so a flat background cannot drive the scale
# to nothing. exp(1) is wider than all grey levels together; without a bound above, location and scale of a flat
# background run away together. A raw output of zero means a scale of exp(-2), about the spread of pixel values.
MIN_LOG_SCALE, MAX_LOG_SCALE, START_LOG_SCALE = -7.0, 1.0, -2.0
MID_LOG_SCALE, HALF_RANGE = (MIN_LOG_SCALE + MAX_LOG_SCALE) / 2, (MAX_LOG_SCALE - MIN_LOG_SCALE) / 2
START = (START_LOG_SCALE - MID_LOG_SCALE) / HALF_RANGE


@keras.saving.register_keras_serializable(package="zoo")
class Bernoulli(Likelihood):
    """Each value is a coin toss; the raw parameter is its logit.

    A likelihood of images of only 0 and 1. On grey images it is the cross-entropy: a fair training loss, but no
    likelihood, since a Bernoulli distribution gives values between 0 and 1 no probability (Loaiza-Ganem and
    Cunningham 2019).
    """

    support = "binary"

    def _log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        # Two costs of one sign: images * parameters - softplus(parameters) cancels where the coin is nearly sure.
        return -images * ops.softplus(-parameters) - (1.0 - images) * ops.softplus(parameters)

    def mean(self, parameters: Tensor) -> Tensor:
        """Give the probability of a one."""
        return ops.sigmoid(ops.cast(parameters, "float32"))

    def sample(self, parameters: Tensor, seed: Any = None) -> Tensor:
        """Draw images of 0 and 1."""
        draw = keras.random.uniform(ops.shape(parameters), seed=seed)
        return ops.cast(draw < self.mean(parameters), "float32")


class _Discretized(Likelihood):
    """A location-scale density in [0, 1], summed over the 256 grey levels; the ends take the tails' mass.

    The decoder's first channels are locations (0.5 plus the raw value), the others log-scales.
    """

    support = "bytes"
    parameters_per_channel = 2

    def _location_and_scale(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        # The location is from mid-grey, 0.5.
        location, raw = ops.split(ops.cast(parameters, "float32"), 2, axis=-1)
        # Both bounds are neared slowly, so that an output that overshot still has a gradient to come back by.
        turned = raw / HALF_RANGE + START / (1.0 - START)
        return location, ops.exp(MID_LOG_SCALE + HALF_RANGE * turned / (1.0 + ops.abs(turned)))

    def _log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        location, scale = self._location_and_scale(parameters)
        # A float image is taken at its nearest grey level. Counted from mid-grey, levels are exact in float32, so that
        # neighbouring intervals share their ends and the 256 probabilities sum to one.
        level = ops.round(images * (LEVELS - 1)) - MID_LEVEL
        width = LEVEL / scale
        distance = (level - location * (LEVELS - 1)) * width
        lowest, highest = level <= -MID_LEVEL, level >= MID_LEVEL
        inside = self._log_interval(distance, width)
        low_tail = self._log_cdf(distance + 0.5 * width)
        high_tail = self._log_cdf(0.5 * width - distance)
        return ops.where(lowest, low_tail, ops.where(highest, high_tail, inside))

    def mean(self, parameters: Tensor) -> Tensor:
        """Give the mean image: the integral over [0, 1] of the probability to exceed, in closed form.

        The integral stands for the sum over the 255 steps between grey levels, of which it is the midpoint rule's
        limit; they differ by about an eighth of a level at most, at the smallest scale.
        """
        location, scale = self._location_and_scale(parameters)
        # Farther out the mean is 0 or 1, and the difference below would lose its digits.
        location = ops.clip(location, -0.5 - FAR * scale, 0.5 + FAR * scale)
        upper, lower = (self._integrated_cdf(x / scale) for x in (location + 0.5, location - 0.5))
        return ops.clip(scale * (upper - lower), 0.0, 1.0)

    def sample(self, parameters: Tensor, seed: Any = None) -> Tensor:
        """Draw images on the 256 levels k / 255."""
        location, scale = self._location_and_scale(parameters)
        value = 0.5 + location + scale * self._noise(ops.shape(location), seed)
        return ops.clip(ops.round(value * (LEVELS - 1)), 0, LEVELS - 1) * LEVEL

    def _log_cdf(self, x: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not define _log_cdf")

    def _log_interval(self, center: Tensor, width: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not define _log_interval")

    def _integrated_cdf(self, x: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not define _integrated_cdf")

    def _noise(self, shape: Any, seed: Any) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not define _noise")


@keras.saving.register_keras_serializable(package="zoo")
class DiscretizedLogistic(_Discretized):
    """A logistic density summed over grey levels (Kingma et al. 2016, appendix; Salimans et al. 2017, equation 2)."""

    def _log_cdf(self, x: Tensor) -> Tensor:
        return -ops.softplus(-x)

    def _log_interval(self, center: Tensor, width: Tensor) -> Tensor:
        # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)): no difference of near-equal numbers.
        upper, lower = center + 0.5 * width, center - 0.5 * width
        return -ops.softplus(-upper) - ops.softplus(lower) + log1mexp(width)

    def _integrated_cdf(self, x: Tensor) -> Tensor:
        return ops.softplus(x)

    def _noise(self, shape: Any, seed: Any) -> Tensor:
        draw = keras.random.uniform(shape, minval=1e-7, maxval=1.0 - 1e-7, seed=seed)
        return ops.log(draw) - ops.log1p(-draw)


@keras.saving.register_keras_serializable(package="zoo")
class DiscretizedGaussian(_Discretized):
    """A normal density summed over grey levels (Ho et al. 2020, equation 13, with a learned scale per value)."""

    def _log_cdf(self, x: Tensor) -> Tensor:
        return log_normal_cdf(x)

    def _log_interval(self, center: Tensor, width: Tensor) -> Tensor:
        return log_normal_interval(center, width)

    def _integrated_cdf(self, x: Tensor) -> Tensor:
        density = ops.exp(-0.5 * ops.square(x)) / math.sqrt(2.0 * math.pi)
        return x * 0.5 * (1.0 + ops.erf(x * math.sqrt(0.5))) + density

    def _noise(self, shape: Any, seed: Any) -> Tensor:
        return keras.random.normal(shape, seed=seed)


LIKELIHOODS.update(
    bernoulli=Bernoulli,
    discretized_gaussian=DiscretizedGaussian,
    discretized_logistic=DiscretizedLogistic,
)


def get(identifier: Any) -> Likelihood:
    """Give a likelihood.

    Args:
        identifier: a likelihood, its name, or a plain Keras loss (or its name), which is wrapped in ``PixelLoss``.

    Returns:
        The likelihood.

    Raises:
        UnknownNameError: neither a likelihood nor a Keras loss has the name.
        ValueError: a Keras loss that works on logits or does not compare value by value.
    """
    if isinstance(identifier, Likelihood):
        return identifier
    if isinstance(identifier, str) and identifier in LIKELIHOODS:
        return LIKELIHOODS[identifier]()
    if isinstance(identifier, str):
        try:
            keras.losses.get(identifier)
        except ValueError:
            near = difflib.get_close_matches(identifier, LIKELIHOODS, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(LIKELIHOODS)},"
            raise UnknownNameError(
                f"no likelihood is called {identifier!r}: {hint} or a Keras loss such as 'mse'"
            ) from None
    elif not callable(identifier):
        raise TypeError(f"likelihood is {identifier!r}: expected a name, a zoo likelihood or a Keras loss")
    return PixelLoss(identifier)
