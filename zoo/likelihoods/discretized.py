"""Densities summed over the 256 grey levels."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import keras
from keras import ops

from zoo.likelihoods.likelihood import Likelihood
from zoo.likelihoods.location_scale import split_location_and_log_scale
from zoo.likelihoods.special_functions import log_normal_cdf, log_normal_interval
from zoo.typing import Tensor

FAR = 20.0  # in scales: farther out, no density has mass that float32 could resolve
OPEN = 1e30  # levels from mid-grey to an interval's open end: infinity would give gradients of infinity times zero


class Discretized(Likelihood):
    """A location-scale density in [0, 1], summed over the grey levels; the end levels take the tails' mass.

    The decoder's first channels are locations (0.5 plus the raw value), the others log-scales.
    """

    support = "bytes"
    parameters_per_channel = 2
    levels: ClassVar[int] = 256

    def _log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        return self._log_mass(self._levels_of(images), *split_location_and_log_scale(parameters))

    def mean(self, parameters: Tensor) -> Tensor:
        """Return the mean image: the integral over [0, 1] of the probability of exceeding a value, in closed form.

        The integral replaces the sum over the 255 steps between grey levels, which is its midpoint rule; they differ by
        at most about an eighth of a level, at the smallest scale.
        """
        return self._mean(*split_location_and_log_scale(parameters))

    def sample(self, parameters: Tensor, seed: Any = None) -> Tensor:
        """Draw images on the 256 levels k / 255."""
        location, log_scale = split_location_and_log_scale(parameters)
        return self._to_levels(location + ops.exp(log_scale) * self._noise(ops.shape(location), seed))

    def _levels_of(self, images: Tensor) -> Tensor:
        """Return the nearest grey level, counted from mid-grey.

        Counted this way, levels are exact in float32 and neighbouring intervals share their ends, so the probabilities
        sum to one.
        """
        return ops.round(images * (self.levels - 1)) - 0.5 * (self.levels - 1)

    def _to_levels(self, values: Tensor) -> Tensor:
        """Return the nearest level in [0, 1] for values counted from mid-grey."""
        top = self.levels - 1
        return ops.clip(ops.round((values + 0.5) * top), 0, top) / top

    def _ends(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Return masks of the lowest and the highest level, which take one tail each."""
        return level <= -0.5 * (self.levels - 1), level >= 0.5 * (self.levels - 1)

    def _log_mass(self, level: Tensor, location: Tensor, log_scale: Tensor) -> Tensor:
        """Return log p of each level, counted from mid-grey, broadcast with location and scale."""
        raise TypeError(f"{type(self).__name__} does not define _log_mass")

    def _mean(self, location: Tensor, log_scale: Tensor) -> Tensor:
        scale = ops.exp(log_scale)
        # Farther out the mean is 0 or 1, and the difference below would lose precision.
        location = ops.clip(location, -0.5 - FAR * scale, 0.5 + FAR * scale)
        upper, lower = (self._integrated_cdf(x / scale) for x in (location + 0.5, location - 0.5))
        return ops.clip(scale * (upper - lower), 0.0, 1.0)

    def _integrated_cdf(self, x: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not define _integrated_cdf")

    def _noise(self, shape: Any, seed: Any) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not define _noise")


@keras.saving.register_keras_serializable(package="zoo")
class DiscretizedLogistic(Discretized):
    """A logistic density summed over grey levels (Kingma et al. 2016, appendix; Salimans et al. 2017, equation 2)."""

    def _log_mass(self, level: Tensor, location: Tensor, log_scale: Tensor) -> Tensor:
        # For an interval from b to a, sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), which avoids a
        # difference of nearly equal numbers. A tail has only one of the three factors, as its interval is open.
        lowest, highest = self._ends(level)
        lower, upper = ops.where(lowest, -OPEN, level - 0.5), ops.where(highest, OPEN, level + 0.5)
        inside = ops.cast(ops.logical_not(ops.logical_or(lowest, highest)), "float32")
        width = ops.exp(-log_scale) / (self.levels - 1)
        location = location * (self.levels - 1)
        # log1mexp is not needed: the scale's bounds keep the width above 0.001, and for large widths the other two
        # factors are equally coarse.
        log_rest = inside * ops.log(-ops.expm1(-width))
        return log_rest - ops.softplus((location - upper) * width) - ops.softplus((lower - location) * width)

    def _integrated_cdf(self, x: Tensor) -> Tensor:
        return ops.softplus(x)

    def _noise(self, shape: Any, seed: Any) -> Tensor:
        return logistic(keras.random.uniform(shape, minval=1e-7, maxval=1.0 - 1e-7, seed=seed))


@keras.saving.register_keras_serializable(package="zoo")
class DiscretizedGaussian(Discretized):
    """A normal density summed over grey levels (Ho et al. 2020, equation 13, with a learned scale per value)."""

    def _log_mass(self, level: Tensor, location: Tensor, log_scale: Tensor) -> Tensor:
        width = ops.exp(-log_scale) / (self.levels - 1)
        center = (level - location * (self.levels - 1)) * width
        below, above = log_normal_cdf(center + 0.5 * width), log_normal_cdf(0.5 * width - center)
        lowest, highest = self._ends(level)
        return ops.where(lowest, below, ops.where(highest, above, log_normal_interval(center, width)))

    def _integrated_cdf(self, x: Tensor) -> Tensor:
        density = ops.exp(-0.5 * ops.square(x)) / math.sqrt(2.0 * math.pi)
        return x * 0.5 * (1.0 + ops.erf(x * math.sqrt(0.5))) + density

    def _noise(self, shape: Any, seed: Any) -> Tensor:
        return keras.random.normal(shape, seed=seed)


def logistic(uniform: Tensor) -> Tensor:
    """Turn draws from (0, 1) into draws of the standard logistic distribution."""
    return ops.log(uniform) - ops.log1p(-uniform)
