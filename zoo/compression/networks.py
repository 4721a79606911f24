"""A model's networks as a coder needs them: the same numbers for the same images, whenever they are asked."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from zoo.autoencoder.prediction import Pass, traced
from zoo.typing import Tensor

Floats = npt.NDArray[np.float32]


class Encode(Pass):
    """From images to the mean and standard deviation of the posterior."""

    def __init__(self, model: Any, batch: int) -> None:
        super().__init__(model, "coded_posterior")

    def call(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return both, ``(batch, *latent_shape)``."""
        mean, std = self.model.posterior_parameters(images)
        return mean, std


class Follow(Pass):
    """From images and latents to the posterior of each group of latents, given those before it."""

    def __init__(self, model: Any, batch: int) -> None:
        super().__init__(model, "coded_path")

    def call(self, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation, ``(batch, n)``."""
        images, latents = inputs
        found = self.model.infer(images, z=latents)
        return found.mean, found.std


class Decode(Pass):
    """From latents to the likelihood's parameters, float32."""

    def __init__(self, model: Any, batch: int) -> None:
        super().__init__(model, "coded_parameters")

    def call(self, latents: Tensor) -> Tensor:
        """Return the parameters, ``(batch, H, W, parameters)``."""
        return ops.cast(self.model.decoder(latents, training=False), "float32")


class Score(Pass):
    """From images and the likelihood's parameters to log p(x|z), by the likelihood itself."""

    def __init__(self, model: Any, batch: int) -> None:
        super().__init__(model, "coded_log_prob")

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Return it for each image, ``(batch,)``, nats."""
        return self.model.likelihood.log_prob(*inputs)


class Networks:
    """A model's networks, always on batches of one size and on the processor.

    The last bits of what a network computes depend on the size of the batch, and on the device: on a GPU even on the
    call.

    Args:
        model: the model.
        batch: the size; what is shorter is filled up with its last entry.
    """

    def __init__(self, model: Any, batch: int) -> None:
        self.model, self.batch = model, batch

    def encode(self, images: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Return the posterior's mean and standard deviation, ``(n, *latent_shape)``, of images, uint8."""
        mean, std = self._run(Encode, _as_float(images))
        return mean, std

    def follow(self, images: npt.NDArray[np.uint8], latents: Floats) -> tuple[Floats, Floats]:
        """Return them for a hierarchical posterior at the latents ``(n, latents)``."""
        mean, std = self._run(Follow, (_as_float(images), latents))
        return mean, std

    def decode(self, latents: Floats) -> Floats:
        """Return the likelihood's parameters, ``(n, H, W, parameters)``, of latents ``(n, *latent_shape)``."""
        parameters: Floats = self._run(Decode, latents)
        return parameters

    def log_prob(self, images: npt.NDArray[np.uint8], parameters: Floats) -> npt.NDArray[np.float64]:
        """Return log p(x|z) of each image, ``(n,)``, nats."""
        values: npt.NDArray[np.float64] = self._run(Score, (_as_float(images), parameters)).astype(np.float64)
        return values

    def _run(self, kind: Any, inputs: Any) -> Any:
        count = len(keras.tree.flatten(inputs)[0])
        full = keras.tree.map_structure(self._fill, inputs)
        with keras.device("cpu:0"):
            outputs = traced(self.model, kind, self.batch).run(full)
        return keras.tree.map_structure(lambda it: np.asarray(it)[:count], outputs)

    def _fill(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        missing = self.batch - len(values)
        return np.concatenate([values, np.repeat(values[-1:], missing, axis=0)]) if missing else values


def _as_float(images: npt.NDArray[np.uint8]) -> Floats:
    scaled: Floats = (images / np.float32(255)).astype(np.float32, copy=False)
    return scaled
