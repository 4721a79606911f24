"""A masked autoregressive flow as a sampler."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from zoo.autoencoder.model import AutoEncoder
from zoo.samplers import made
from zoo.samplers.draws import PosteriorDraws
from zoo.samplers.made import Block
from zoo.samplers.sampler import Array, Arrays, Facts, Settings, TrainedSampler, check_arrays, option
from zoo.samplers.training import BATCH, EPOCHS, Objective, hidden_kernel
from zoo.typing import Tensor

BLOCKS, WIDTH = 5, 256
MOST_BLOCKS, MOST_UNITS = 100, 65_536
_LOG_TWO_PI = math.log(2.0 * math.pi)


class MaskedAutoregressiveFlow(TrainedSampler):
    """A masked autoregressive flow (Papamakarios et al. 2017), of MADE blocks with alternating orders.

    A latent, standardised, goes through blocks that each shift and scale every value by what the values before it say;
    what comes out is distributed by N(0, I). To draw, all is inverted. Without the batch normalisation of the paper,
    and with log scales of a block that are bounded to ±3.

    Args:
        model: the model.
        facts: what it was fitted to.
        arrays: see ``shapes``.
    """

    name = "masked_autoregressive_flow"

    def __init__(self, model: AutoEncoder, facts: Facts, arrays: dict[str, Array]) -> None:
        super().__init__(model, facts, arrays)
        self._blocks = [
            Block({name: arrays[f"block_{number}/{name}"] for name in made.shapes(1, 1)}, number)
            for number in range(int(facts.options["blocks"]))
        ]

    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Return latents, ``(n, latents)``."""
        x = generator.standard_normal((n, len(self._arrays["shift"])))
        for block in reversed(self._blocks):
            x = block.inverse(x)
        return x * self._arrays["scale"] + self._arrays["shift"]

    def log_prob(self, latents: Any) -> Array:
        """Return the log density of latents ``(n, *latent_shape)``: ``(n,)``, nats."""
        z = self.model.check_latents(latents).reshape(len(latents), -1).astype(np.float64)
        x = (z - self._arrays["shift"]) / self._arrays["scale"]
        total = np.full(len(x), -np.log(self._arrays["scale"]).sum())
        for block in self._blocks:
            x, log_determinant = block.forward(x)
            total += log_determinant
        found: Array = total - 0.5 * (np.square(x) + _LOG_TWO_PI).sum(axis=1)
        return found

    @classmethod
    def learn(cls, model: AutoEncoder, draws: PosteriorDraws, settings: Settings) -> tuple[Mapping[str, Any], Arrays]:
        """Train the flow by maximum likelihood; see ``Sampler``."""
        latents, epochs = draws.mean.shape[1], settings.epochs or EPOCHS
        network = Flow(latents, WIDTH, BLOCKS, settings.seed)
        network.train(partial(draws.batches, BATCH, settings.seed), len(draws), epochs, settings.progress)
        options = {"blocks": BLOCKS, "width": WIDTH, "epochs": epochs}
        return options, {**network.arrays(), "shift": draws.shift, "scale": draws.scale}

    @classmethod
    def restore(cls, model: AutoEncoder, facts: Facts, arrays: Arrays) -> Self:
        """Return the flow; see ``Sampler``."""
        count, width = option(facts, "blocks", MOST_BLOCKS), option(facts, "width", MOST_UNITS)
        found = check_arrays(arrays, shapes(math.prod(model.latent_shape), width, count))
        if (found["scale"] <= 0).any():
            raise ValueError("'scale' is not positive")
        return cls(model, facts, found)


def shapes(latents: int, width: int, blocks: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays of a flow."""
    own = made.shapes(latents, width)
    found = {f"block_{number}/{name}": shape for number in range(blocks) for name, shape in own.items()}
    return found | {"shift": (latents,), "scale": (latents,)}


class Flow(Objective):
    """The negative log density of standardised latents: ``(batch, latents)`` to ``(batch,)``, nats.

    Args:
        latents: their number.
        width: the units of each of a block's two hidden layers.
        blocks: their number.
        seed: of the initial weights.
    """

    def __init__(self, latents: int, width: int, blocks: int, seed: int) -> None:
        super().__init__()
        generator = np.random.default_rng([seed, 1])
        self.made = [MaskedBlock(latents, width, number, generator) for number in range(blocks)]

    def call(self, z: Tensor) -> Tensor:
        """Return -log p of each row."""
        total = 0.0
        for block in self.made:
            z, log_determinant = block(z)
            total = total + log_determinant
        return 0.5 * ops.sum(ops.square(z) + _LOG_TWO_PI, axis=-1) - total

    def arrays(self) -> Arrays:
        """Return the weights, as ``shapes`` names them."""
        found = [(number, weight) for number, block in enumerate(self.made) for weight in block.weights]
        return {f"block_{number}/{weight.name}": ops.convert_to_numpy(weight) for number, weight in found}


class MaskedBlock(keras.layers.Layer):
    """A ``Block`` that learns: ``(batch, latents)`` to u and log |det du/dx|."""

    def __init__(self, latents: int, width: int, block: int, generator: np.random.Generator) -> None:
        super().__init__()
        self.masks = {name: mask.astype("float32") for name, mask in made.masks(latents, width, block).items()}
        self.own = {}
        for name, shape in made.shapes(latents, width).items():
            hidden = name in ("kernel_0", "kernel_1")
            # Blocks start as the identity: what standardised latents need.
            initializer = hidden_kernel(generator, 2.0) if hidden else "zeros"
            self.own[name] = self.add_weight(shape=shape, initializer=initializer, name=name)
        self.built = True

    def call(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return u and the log determinant; see ``Block.forward``."""
        second = ops.relu(self._apply(ops.relu(self._apply(x, "0")), "1"))
        log_scale = made.MOST_LOG_SCALE * ops.tanh(self._apply(second, "log_scale") / made.MOST_LOG_SCALE)
        return (x - self._apply(second, "shift")) * ops.exp(-log_scale), -ops.sum(log_scale, axis=-1)

    def _apply(self, x: Tensor, name: str) -> Tensor:
        kernel = self.own[f"kernel_{name}"] * self.masks[f"kernel_{name}"]
        return ops.matmul(x, kernel) + self.own[f"bias_{name}"]
