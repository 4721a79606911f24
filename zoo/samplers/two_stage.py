"""A second autoencoder on the latents of the first as a sampler."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import keras
import numpy as np
from keras import layers, ops

from zoo.autoencoder.model import AutoEncoder
from zoo.samplers.draws import PosteriorDraws
from zoo.samplers.sampler import Arrays, Facts, Settings, TrainedSampler, check_arrays, option
from zoo.samplers.training import BATCH, EPOCHS, Objective, hidden_kernel
from zoo.typing import Tensor

WIDTH, MOST_UNITS = 256, 65_536
DEPTH = 3
_LEAST_LOG_SCALE = -5.0
_PACE = 10.0  # Adam's steps have one length for all weights, which would be too short for the scale.


class TwoStage(TrainedSampler):
    """A second, small variational autoencoder, whose data are the latents of the first (Dai and Wipf 2019, section 4).

    It has as many latents u as the first. u is drawn from N(0, I), z from N(f(u), s^2), with f of three hidden layers
    and the scale s learned.

    Args:
        model: the model.
        facts: what it was fitted to.
        arrays: see ``shapes``.
    """

    name = "two_stage"

    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Return latents, ``(n, latents)``."""
        own, latents = self._arrays, len(self._arrays["shift"])
        u, noise = generator.standard_normal((2, n, latents))
        hidden = u
        for layer in range(DEPTH):
            hidden = np.maximum(hidden @ own[f"kernel_{layer}"] + own[f"bias_{layer}"], 0.0)
        found = np.concatenate([hidden, u], axis=1) @ own["kernel_out"] + own["bias_out"]
        drawn: np.ndarray = (found + np.exp(own["log_scale"]) * noise) * own["scale"] + own["shift"]
        return drawn

    @classmethod
    def learn(cls, model: AutoEncoder, draws: PosteriorDraws, settings: Settings) -> tuple[Mapping[str, Any], Arrays]:
        """Train the second stage; see ``Sampler``."""
        latents, epochs = draws.mean.shape[1], settings.epochs or EPOCHS
        network = SecondStage(latents, WIDTH, settings.seed)
        network.train(partial(draws.batches, BATCH, settings.seed), len(draws), epochs, settings.progress)
        return {"width": WIDTH, "epochs": epochs}, {
            **network.decoder_arrays(),
            "shift": draws.shift,
            "scale": draws.scale,
        }

    @classmethod
    def restore(cls, model: AutoEncoder, facts: Facts, arrays: Arrays) -> Self:
        """Return the second stage; see ``Sampler``."""
        found = check_arrays(arrays, shapes(math.prod(model.latent_shape), option(facts, "width", MOST_UNITS)))
        if (found["scale"] <= 0).any():
            raise ValueError("'scale' is not positive")
        return cls(model, facts, found | {"log_scale": np.clip(found["log_scale"], _LEAST_LOG_SCALE, 5.0)})


def shapes(latents: int, width: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays of a second stage."""
    sizes = [latents, *[width] * DEPTH]
    found: dict[str, tuple[int, ...]] = {"kernel_out": (width + latents, latents), "bias_out": (latents,)}
    for layer in range(DEPTH):
        found |= {f"kernel_{layer}": (sizes[layer], width), f"bias_{layer}": (width,)}
    return found | {"log_scale": (), "shift": (latents,), "scale": (latents,)}


class SecondStage(Objective):
    """The negative ELBO of latents under the second stage, nats: ``(batch, latents)`` to ``(batch,)``.

    Args:
        latents: their number; there are as many u.
        width: the units of each hidden layer.
        seed: of the initial weights and of u.
    """

    def __init__(self, latents: int, width: int, seed: int) -> None:
        super().__init__()
        generator = np.random.default_rng([seed, 2])
        self.latents = latents
        # Hidden layers, beside which the last one sees the input, as in the authors' code.
        self.encoder_layers, self.decoder_layers = (
            [layers.Dense(width, "relu", kernel_initializer=hidden_kernel(generator, 2.0)) for _ in range(DEPTH)]
            for _ in range(2)
        )
        self.moments = layers.Dense(2 * latents, kernel_initializer=hidden_kernel(generator))
        self.output_layer = layers.Dense(latents, kernel_initializer=hidden_kernel(generator))
        self.pace = self.add_weight(shape=(), initializer="zeros", name="log_scale")
        self.draws = keras.random.SeedGenerator(int(generator.integers(2**31)))

    def call(self, z: Tensor) -> Tensor:
        """Return the negative ELBO of each row, with one draw of u."""
        mean, raw = ops.split(self.moments(_follow(self.encoder_layers, z)), 2, axis=-1)
        log_std = 3.0 * ops.tanh(raw / 3.0)
        u = mean + ops.exp(log_std) * keras.random.normal(ops.shape(mean), seed=self.draws)
        log_scale = self.log_scale
        errors = (z - self.output_layer(_follow(self.decoder_layers, u))) * ops.exp(-log_scale)
        reconstruction = 0.5 * ops.square(errors) + log_scale + 0.5 * math.log(2.0 * math.pi)
        kl = 0.5 * (ops.square(mean) + ops.exp(2.0 * log_std) - 1.0) - log_std
        return ops.sum(reconstruction + kl, axis=-1)

    @property
    def log_scale(self) -> Tensor:
        """Log s."""
        return ops.maximum(self.pace * _PACE, _LEAST_LOG_SCALE)

    def decoder_arrays(self) -> Arrays:
        """Return the decoder's weights and scale, as ``shapes`` names them."""
        found = {"log_scale": ops.convert_to_numpy(self.log_scale)}
        for number, layer in [*enumerate(self.decoder_layers), ("out", self.output_layer)]:
            kernel, bias = (ops.convert_to_numpy(weight) for weight in layer.weights)
            found |= {f"kernel_{number}": kernel, f"bias_{number}": bias}
        return found


def _follow(hidden: list[keras.layers.Layer], x: Tensor) -> Tensor:
    found = x
    for layer in hidden:
        found = layer(found)
    return ops.concatenate([found, x], axis=-1)
