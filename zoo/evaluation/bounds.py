"""Bounds on -log p(x), image by image, compiled and in batches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.autoencoder import AutoEncoder
from zoo.latent import predict_in_batches

Tensor = Any
SAMPLES_AT_ONCE = 50


class _Terms(keras.Model):
    """``elbo_terms`` as a model, for Keras' compiled loop over batches."""

    def __init__(self, model: AutoEncoder) -> None:
        super().__init__(autocast=False, name="elbo_terms")
        self.model = model

    def call(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.elbo_terms(images)


class _LogWeightSum(keras.Model):
    """The logarithm of the sum of so many importance weights."""

    def __init__(self, model: AutoEncoder, samples: int) -> None:
        super().__init__(autocast=False, name="log_weight_sum")
        self.model, self.samples = model, samples

    def call(self, images: Tensor) -> Tensor:
        return ops.logsumexp(self.model.log_weights(images, self.samples), axis=0)


@contextlib.contextmanager
def seeded_draws(model: AutoEncoder, seed: int) -> Iterator[None]:
    """Let the model draw z from a seed, and put its own state back afterwards."""
    state = model.seed_generator.state
    before = ops.convert_to_numpy(state)
    state.assign(ops.convert_to_numpy(keras.random.SeedGenerator(seed).state))
    try:
        yield
    finally:
        state.assign(before)


def elbo_terms(model: AutoEncoder, images: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give ``(reconstruction, kl)`` of each image, one z each, nats, ``(n,)`` float64."""
    with seeded_draws(model, seed):
        reconstruction, kl = predict_in_batches(_Terms(model), images)
    return reconstruction.astype("float64"), kl.astype("float64")


def importance_weighted_bound(model: AutoEncoder, images: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Give the importance-weighted bound on -log p(x) of each image, nats, ``(n,)`` float64.

    -log (1/k sum of p(x, z) / q(z|x)) over k draws of z from q(z|x) (Burda et al. 2016, equation 8). The draws come in
    chunks that are summed as they come, so the memory does not grow with k.

    Args:
        model: the model.
        images: ``(n, H, W, C)``.
        samples: k.
        seed: of the draws.
    """
    total = np.full(len(images), -np.inf)
    chunks = [SAMPLES_AT_ONCE] * (samples // SAMPLES_AT_ONCE) + [samples % SAMPLES_AT_ONCE]
    scorers = {size: _LogWeightSum(model, size) for size in set(chunks) if size}
    with seeded_draws(model, seed):
        for size in filter(None, chunks):
            total = np.logaddexp(total, predict_in_batches(scorers[size], images).astype("float64"))
    return np.log(samples) - total
