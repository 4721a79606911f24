"""Draws from the aggregate posterior: what a sampler is fitted to."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from zoo.autoencoder.model import AutoEncoder
from zoo.evaluation.blocks import Blocks

Array = npt.NDArray[np.float64]
_LEAST_SCALE = 1e-6  # A latent that is the same for all images is not divided by zero.


class PosteriorDraws:
    """Latents z drawn from the posteriors q(z|x) of images: together, draws from their mean, the aggregate posterior.

    Draws, and not the posteriors' means, since it is draws that the decoder has learned from: the means alone lie
    closer together.

    Args:
        model: a model with a Gaussian posterior, or a point's, whose draws are all the same.
        images: ``(n, H, W, C)``, as the model takes them.
        seed: the seed of dynamic binarization.

    Raises:
        ValueError: where they are first used, a mean or a deviation is not finite.
    """

    def __init__(self, model: AutoEncoder, images: np.ndarray, seed: int) -> None:
        self.model, self.blocks = model, Blocks(model, images, seed)

    def __len__(self) -> int:
        return len(self.blocks)

    @functools.cached_property
    def _moments(self) -> tuple[Array, Array]:
        found = [self.model.encode(inputs) for inputs in self.blocks.inputs()]
        mean, std = (
            np.concatenate(parts).reshape(len(self), -1).astype(np.float64) for parts in zip(*found, strict=True)
        )
        if not (np.isfinite(mean).all() and np.isfinite(std).all()):
            raise ValueError("the encoder gives a mean or a deviation that is not finite: train the model again")
        return mean, std

    @property
    def mean(self) -> Array:
        """The mean of each posterior, ``(n, latents)``."""
        return self._moments[0]

    @property
    def std(self) -> Array:
        """Their standard deviations, ``(n, latents)``."""
        return self._moments[1]

    @functools.cached_property
    def shift(self) -> Array:
        """The mean of the aggregate posterior, ``(latents,)``."""
        shift: Array = self.mean.mean(axis=0)
        return shift

    @functools.cached_property
    def scale(self) -> Array:
        """Its standard deviation, ``(latents,)``; positive."""
        variance = np.square(self.std).mean(axis=0) + self.mean.var(axis=0)
        scale: Array = np.maximum(np.sqrt(variance), _LEAST_SCALE)
        return scale

    def draw(self, generator: np.random.Generator, rows: npt.NDArray[np.int64] | None = None) -> Array:
        """Return one z for each image, or for those of some rows: ``(n, latents)``."""
        mean, std = (self.mean, self.std) if rows is None else (self.mean[rows], self.std[rows])
        drawn: Array = mean + std * generator.standard_normal(mean.shape)
        return drawn

    def batches(self, size: int, seed: int, epoch: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield all rows in another order, in full batches if there are enough, drawn anew and standardised."""
        generator = np.random.default_rng([seed, epoch])
        order = generator.permutation(len(self))
        size = min(size, len(self))
        for start in range(0, len(self) - size + 1, size):
            rows = order[start : start + size]
            yield ((self.draw(generator, rows) - self.shift) / self.scale).astype(np.float32)
