"""Draws from the aggregate posterior: what a sampler is fitted to."""

from __future__ import annotations

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

    Attributes:
        mean: of each posterior, ``(n, latents)``.
        std: their standard deviations, likewise.
        shift: the mean of the aggregate posterior, ``(latents,)``.
        scale: its standard deviation, likewise; positive.
    """

    def __init__(self, model: AutoEncoder, images: np.ndarray, seed: int) -> None:
        self.model, self.blocks = model, Blocks(model, images, seed)
        found = [model.encode(inputs) for inputs in self.blocks.inputs()]
        self.mean, self.std = (
            np.concatenate(parts).reshape(len(images), -1).astype(np.float64) for parts in zip(*found, strict=True)
        )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std).all()):
            raise ValueError(
                "the encoder gives a mean or a deviation that is not a finite number: train the model again"
            )
        self.shift: Array = self.mean.mean(axis=0)
        variance = np.square(self.std).mean(axis=0) + self.mean.var(axis=0)
        self.scale: Array = np.maximum(np.sqrt(variance), _LEAST_SCALE)

    def __len__(self) -> int:
        return len(self.mean)

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
