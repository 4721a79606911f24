"""How the latents of each kind of posterior get on a stack, and off it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from zoo.autoencoder.model import AutoEncoder
from zoo.compression.grid import Grid
from zoo.compression.networks import Networks
from zoo.compression.stack import WORD_BITS, Stack
from zoo.errors import CompressionError

Images = npt.NDArray[np.uint8]
Whole = npt.NDArray[np.int64]


class Latents:
    """The latents of a Gaussian posterior, in the buckets of a grid.

    Args:
        networks: the model's.
        grid: the buckets.
    """

    def __init__(self, networks: Networks, grid: Grid) -> None:
        self.networks, self.grid = networks, grid
        self.shape = tuple(networks.model.latent_shape)
        self.size = math.prod(self.shape)

    @property
    def words(self) -> int:
        """How many words must be on a stack for the latents of a batch to be drawn from it."""
        return int(np.ceil(self.networks.batch * self.size * self.grid.bits / WORD_BITS)) + 8

    def pop(self, stack: Stack, images: Images) -> tuple[Whole, npt.NDArray[np.float64]]:
        """Draw latents from the posterior.

        Returns:
            Their symbols, ``(n, size)``, and log q(z|x) - log p(z) of each image, ``(n,)``, nats.
        """
        mean, std = self._moments(images)
        symbols = self.grid.pop(stack, mean.reshape(-1), std.reshape(-1)).reshape(mean.shape)
        return symbols, log_ratio(self.grid.centres[symbols], mean, std)

    def unpop(self, stack: Stack, images: Images, symbols: Whole) -> None:
        """Put back what drawing the latents has taken."""
        mean, std = self._moments(images)
        self.grid.push(stack, symbols.reshape(-1), mean.reshape(-1), std.reshape(-1))

    def push(self, stack: Stack, symbols: Whole) -> None:
        """Push the latents by their prior."""
        self.grid.push(stack, symbols.reshape(-1), *self._prior(symbols.size))

    def unpush(self, stack: Stack, count: int) -> Whole:
        """Pop the latents of that many images, ``(count, size)``."""
        symbols: Whole = self.grid.pop(stack, *self._prior(count * self.size)).reshape(count, self.size)
        return symbols

    def values(self, symbols: Whole) -> npt.NDArray[np.float32]:
        """Return what the decoder takes, ``(n, *latent_shape)``."""
        return self.grid.centres[symbols].astype(np.float32).reshape(-1, *self.shape)

    def _moments(self, images: Images) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        mean, std = (it.astype(np.float64).reshape(len(images), -1) for it in self.networks.encode(images))
        return check_moments(mean, std)

    def _prior(self, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        return np.zeros(count), np.ones(count)


class PathLatents(Latents):
    """The latents of a hierarchical model: all are noise, and a group's posterior knows the groups before it."""

    def pop(self, stack: Stack, images: Images) -> tuple[Whole, npt.NDArray[np.float64]]:
        """Draw the groups one after the other; see ``Latents``."""
        symbols = np.full((len(images), self.size), len(self.grid.centres) // 2, np.int64)
        for part in self._parts():
            mean, std = (it[:, part] for it in self._follow(images, symbols))
            symbols[:, part] = self.grid.pop(stack, mean.reshape(-1), std.reshape(-1)).reshape(mean.shape)
        mean, std = self._follow(images, symbols)
        return symbols, log_ratio(self.grid.centres[symbols], mean, std)

    def unpop(self, stack: Stack, images: Images, symbols: Whole) -> None:
        """Put the groups back in reverse; see ``Latents``."""
        mean, std = self._follow(images, symbols)
        for part in reversed(self._parts()):
            self.grid.push(stack, symbols[:, part].reshape(-1), mean[:, part].reshape(-1), std[:, part].reshape(-1))

    def _parts(self) -> list[slice]:
        return [slice(group.start, group.start + group.size) for group in self.networks.model.groups]

    def _follow(self, images: Images, symbols: Whole) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        mean, std = self.networks.follow(images, self.values(symbols))
        return check_moments(mean.astype(np.float64), std.astype(np.float64))


class CodeLatents(Latents):
    """The codes of a quantised model, which are not drawn: no bits come back, and their prior is uniform."""

    def __init__(self, networks: Networks, grid: Grid) -> None:
        super().__init__(networks, grid)
        self.shape = tuple(networks.model.latent_shape[:-1])
        self.size = math.prod(self.shape)
        self.codes = int(networks.model.quantizer.codes)

    @property
    def words(self) -> int:
        """None: nothing is drawn."""
        return 0

    def pop(self, stack: Stack, images: Images) -> tuple[Whole, npt.NDArray[np.float64]]:
        """Return the codes, and the constant -log p of those of an image; see ``Latents``."""
        found = self.networks.model.code_indices(self.networks.encode(images)[0])
        symbols = np.asarray(found, np.int64).reshape(len(images), self.size)
        return symbols, np.full(len(images), self.size * math.log(self.codes))

    def unpop(self, stack: Stack, images: Images, symbols: Whole) -> None:
        """Do nothing."""

    def push(self, stack: Stack, symbols: Whole) -> None:
        """Push the codes; see ``Latents``."""
        stack.push_uniform(symbols.reshape(-1), self.codes)

    def unpush(self, stack: Stack, count: int) -> Whole:
        """Pop the codes; see ``Latents``."""
        return stack.pop_uniform(count * self.size, self.codes).astype(np.int64).reshape(count, self.size)

    def values(self, symbols: Whole) -> npt.NDArray[np.float32]:
        """Return the codes' vectors; see ``Latents``."""
        vectors = self.networks.model.code_vectors(symbols.reshape(-1, *self.shape))
        return np.asarray(vectors, np.float32)


def choose_latents(model: AutoEncoder, networks: Networks, grid: Grid) -> Latents:
    """Return how the latents of a model are coded.

    Raises:
        CompressionError: its posterior is a point, and no codes say which.
    """
    if model.posterior == "point":
        if not hasattr(model, "code_indices"):
            raise CompressionError(
                f"{type(model).__name__} has a posterior of a single point: expected a Gaussian one, or codes, as "
                "vq_cnn has"
            )
        return CodeLatents(networks, grid)
    return (PathLatents if model.posterior == "hierarchical" else Latents)(networks, grid)


def log_ratio(
    z: npt.NDArray[np.float64], mean: npt.NDArray[np.float64], std: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return log q(z|x) - log p(z) of densities, summed over the latents ``(n, latents)`` of each image, nats."""
    ratio = 0.5 * (np.square(z) - np.square((z - mean) / std)) - np.log(std)
    total: npt.NDArray[np.float64] = ratio.sum(axis=1)
    return total


def check_moments(
    mean: npt.NDArray[np.float64], std: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return both, or raise ``CompressionError`` unless they are finite and the deviations are positive."""
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
        raise CompressionError("the encoder gives a mean or a deviation that is not a finite number: train it again")
    return mean, std
