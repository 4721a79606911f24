"""The likelihood of ``laplace``."""

import math

import keras
from keras import ops

from zoo.likelihoods import Likelihood


@keras.saving.register_keras_serializable("laplace")
class Laplace(Likelihood):
    """A Laplace density of each value: locations from mid-grey, then log-scales."""

    support = "real"
    parameters_per_channel = 2

    def __init__(self, least=1e-3, name=None, reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.least = least

    def _split(self, parameters):
        location, raw = ops.split(parameters, 2, axis=-1)
        # Linear where it is large, so that its gradient does not vanish or overflow.
        return 0.5 + location, self.least + ops.softplus(raw - 2.0)

    def _log_prob(self, images, parameters):
        location, scale = self._split(parameters)
        return -ops.abs(images - location) / scale - ops.log(scale) - math.log(2.0)

    def mean(self, parameters):
        return ops.clip(self._split(parameters)[0], 0.0, 1.0)

    def sample(self, parameters, seed=None):
        location, scale = self._split(parameters)
        draw = keras.random.uniform(ops.shape(location), -0.5, 0.5, seed=seed)
        return location - scale * ops.sign(draw) * ops.log1p(-2.0 * ops.abs(draw) + 1e-7)

    def get_config(self):
        return {**super().get_config(), "least": self.least}


def make_wide():
    return Laplace(0.1)
