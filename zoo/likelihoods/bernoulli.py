"""Images of 0 and 1."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.likelihoods.likelihood import Likelihood
from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class Bernoulli(Likelihood):
    """A coin toss for each value; the raw parameter is its logit.

    It is a likelihood for images of only 0 and 1. On grey images it is the cross-entropy: a reasonable training loss,
    but not a likelihood, since a Bernoulli distribution assigns no probability to values between 0 and 1 (Loaiza-Ganem
    and Cunningham 2019).
    """

    support = "binary"

    def _log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        # Two terms of the same sign: images * parameters - softplus(parameters) cancels if the coin is nearly certain.
        return -images * ops.softplus(-parameters) - (1.0 - images) * ops.softplus(parameters)

    def mean(self, parameters: Tensor) -> Tensor:
        """Return the probability of a one."""
        return ops.sigmoid(parameters)

    def sample(self, parameters: Tensor, seed: Any = None) -> Tensor:
        """Draw images of 0 and 1."""
        draw = keras.random.uniform(ops.shape(parameters), seed=seed)
        return ops.cast(draw < self.mean(parameters), "float32")
