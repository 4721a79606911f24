"""Likelihood regret: by how much the bound of a single image grows once its posterior is fitted to it alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from zoo.autoencoder.checks.labels import Inputs, as_given
from zoo.autoencoder.draws import set_seed
from zoo.autoencoder.model import AutoEncoder
from zoo.autoencoder.objective import kl_divergence, repeat, sum_from
from zoo.autoencoder.prediction import without_retracing_warnings
from zoo.evaluation.blocks import prepare
from zoo.progress import show_progress
from zoo.typing import Tensor

Array = npt.NDArray[np.float64]
STEPS, LEARNING_RATE, DRAWS = 100, 0.05, 32
_ROWS, _VALUES = 128, 20_000_000


class Refinement(keras.Model):
    """The posteriors of a batch of images as weights, all else being fixed.

    Keras' own training step takes the gradient, so that there is one source for all backends.

    Args:
        model: with a Gaussian posterior.
        batch: the number of images.
        draws: how many z of each image are scored before and after, an even number.
    """

    def __init__(self, model: AutoEncoder, batch: int, draws: int) -> None:
        super().__init__(autocast=False, name="refinement")
        self.model, self.draws = model, draws
        shape = (batch, *model.latent_shape)
        self.mean = self.add_weight(shape=shape, name="mean", dtype="float32")
        self.log_std = self.add_weight(shape=shape, name="log_std", dtype="float32")
        self.generator = keras.random.SeedGenerator(0)
        self.built = True
        self.compile(keras.optimizers.Adam(LEARNING_RATE))
        self.optimizer.build(self.trainable_variables)

    @property
    def trainable_variables(self) -> list[Any]:
        """The posteriors alone."""
        return [self.mean, self.log_std]

    @property
    def trainable_weights(self) -> list[Any]:
        """The same, under Keras' other name for them."""
        return self.trainable_variables

    @property
    def non_trainable_variables(self) -> list[Any]:
        """All others, those of the model among them."""
        own = {id(it) for it in self.trainable_variables}
        return [it for it in self.variables if id(it) not in own]

    def call(self, images: Any, training: bool = False) -> Tensor:
        """Return the negative ELBO of each image, nats, at one new z in training, else the mean over the draws."""
        mean, std = ops.convert_to_tensor(self.mean), ops.exp(ops.convert_to_tensor(self.log_std))
        kl = sum_from(kl_divergence(mean, std), 1)
        if training:
            noise = keras.random.normal((1, *self.mean.shape), seed=self.generator)
        else:
            half = keras.random.normal((self.draws // 2, *self.mean.shape), seed=1)
            noise = ops.concatenate([half, -half])  # In pairs around the mean, whose errors cancel in part.
        count = noise.shape[0]
        z = ops.reshape(mean + std * noise, (-1, *self.model.latent_shape))
        repeated = repeat(images, count)
        parameters = self.model.decoder(self.model.decoder_inputs(z, repeated), training=False)
        log_prob = self.model.likelihood.log_prob(self.model.pixels_of(repeated), parameters)
        return kl - ops.mean(ops.reshape(log_prob, (count, -1)), axis=0)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Tensor:
        """Return the sum over the images, each of which has weights of its own."""
        return ops.sum(y_pred)

    def start(self, mean: np.ndarray, std: np.ndarray, seed: int) -> None:
        """Begin anew with the encoder's posteriors of a batch."""
        self.mean.assign(mean)
        self.log_std.assign(np.log(std))
        for variable in self.optimizer.variables:
            if variable is not self.optimizer.learning_rate:
                variable.assign(np.zeros(variable.shape, variable.dtype))
        set_seed(self.generator, seed)


def likelihood_regret(
    model: AutoEncoder, blocks: Iterator[Inputs], count: int, seed: int, *, steps: int, progress: bool
) -> Array:
    """Return the likelihood regret of each image, nats, ``(n,)`` (Xiao et al. 2020, equation 5).

    The ELBO with the mean and standard deviation that are best for this image, found by Adam from those of the encoder,
    less the ELBO with the encoder's. The decoder stays as it is. Both are means over 32 z from the same noise, which
    is not that of the steps.

    Args:
        model: with a Gaussian posterior.
        blocks: images, as the bounds are computed of.
        count: their number.
        seed: the seed of the draws in the steps.
        steps: how many of Adam.
        progress: show progress on stderr.
    """
    batch = max(1, min(_ROWS, count, _VALUES // (DRAWS * math.prod(model.decoder.output_shape[1:]))))
    refinement, found = Refinement(model, batch, DRAWS), []
    with show_progress("likelihood regret", count, progress) as advance, without_retracing_warnings():
        for block in blocks:
            prepared = prepare(model, block)
            mean, std = model.encode(prepared)
            for start in range(0, len(block), batch):
                rows = np.minimum(np.arange(start, start + batch), len(block) - 1)
                refinement.start(mean[rows], std[rows], seed)
                given = as_given(prepared[rows])
                before = refinement.predict_on_batch(given)
                for _ in range(steps):
                    refinement.train_on_batch(given)
                after = refinement.predict_on_batch(given)
                size = min(batch, len(block) - start)
                gained = np.asarray(before, np.float64) - np.asarray(after, np.float64)
                found.append(np.maximum(gained, 0.0)[:size])  # The encoder's own is among the choices.
                advance(size)
    return np.concatenate(found)
