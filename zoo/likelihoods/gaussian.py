"""A normal density over real values."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.likelihoods.likelihood import Likelihood
from zoo.likelihoods.location_scale import split_location_and_log_scale
from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class Gaussian(Likelihood):
    """A normal density for each value, with a learned scale (Kingma and Welling 2014, appendix C.2).

    The decoder's first channels are locations (0.5 plus the raw value), the others log-scales. It is a density of real
    values instead of a probability of the 256 grey levels: images are used as they are, without rounding; it may exceed
    one, so -log p(x) may be negative; and bits per dimension are not defined.
    """

    support = "real"
    parameters_per_channel = 2

    def _log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        location, log_scale = split_location_and_log_scale(parameters)
        distance = (images - 0.5 - location) * ops.exp(-log_scale)
        return -0.5 * ops.square(distance) - log_scale - 0.5 * math.log(2.0 * math.pi)

    def mean(self, parameters: Tensor) -> Tensor:
        """Return the locations, clipped to [0, 1] to form an image, as the density's mean may lie outside."""
        location, _ = split_location_and_log_scale(parameters)
        return ops.clip(0.5 + location, 0.0, 1.0)

    def sample(self, parameters: Tensor, seed: Any = None) -> Tensor:
        """Draw real values, which may lie outside [0, 1]."""
        location, log_scale = split_location_and_log_scale(parameters)
        return 0.5 + location + ops.exp(log_scale) * keras.random.normal(ops.shape(location), seed=seed)
