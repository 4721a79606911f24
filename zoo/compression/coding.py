"""Images to words and back, by bits-back coding (Townsend et al. 2019)."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zoo.autoencoder.model import AutoEncoder
from zoo.compression.container import IMAGES_PER_WORD
from zoo.compression.grid import Grid
from zoo.compression.latents import choose_latents
from zoo.compression.networks import Networks
from zoo.compression.pixels import PixelCoder
from zoo.compression.stack import WORD_BITS, Stack
from zoo.progress import Advance

Images = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]
_SEED = 20190115


@dataclass(frozen=True)
class Coded:
    """Images as words.

    Args:
        words: what is on the stack in the end.
        initial_words: how many random ones were there before.
        computed_bits: what the model says that all images take: -log2 p(x|z) - log2 p(z) + log2 q(z|x) at the latents
            that were drawn, of the likelihood itself and of densities, without buckets and rounded probabilities.
    """

    words: Words
    initial_words: int
    computed_bits: float

    @property
    def bits(self) -> int:
        """The bits that the images take, without the initial ones."""
        return WORD_BITS * (len(self.words) - self.initial_words)


class ImageCoder:
    """A model as a code for images.

    Args:
        model: the model.
        batch: the number of images at a time.
        latent_bits: the bits of a latent's bucket.

    Raises:
        CompressionError: the model has no code, or ``constriction`` is not installed.
    """

    def __init__(self, model: AutoEncoder, batch: int, latent_bits: int) -> None:
        self.channels = model.image_shape[-1]
        self.pixels = PixelCoder(model.likelihood, self.channels)
        self.networks = Networks(model, batch)
        self.latents = choose_latents(model, self.networks, Grid(latent_bits))

    def encode(self, images: Images, advance: Advance) -> Coded:
        """Return images ``(n, H, W, C)`` as words."""
        count = max(self.latents.words, -(-len(images) // IMAGES_PER_WORD), 1)
        stack, computed = Stack(_draw_words(count)), 0.0
        for start in range(0, len(images), self.networks.batch):
            part = images[start : start + self.networks.batch]
            symbols, ratio = self.latents.pop(stack, part)
            parameters = self.networks.decode(self.latents.values(symbols))
            self.pixels.push(stack, part, parameters)
            self.latents.push(stack, symbols)
            computed += float((ratio - self.networks.log_prob(part, parameters)).sum()) / math.log(2.0)
            advance(len(part))
        return Coded(stack.words, count, computed)

    def decode(self, words: Words, count: int, advance: Advance) -> Images:
        """Return that many images from words."""
        stack, batch = Stack(words), self.networks.batch
        images = np.empty((count, *self.networks.model.image_shape), np.uint8)
        for start in reversed(range(0, count, batch)):
            size = min(batch, count - start)
            symbols = self.latents.unpush(stack, size)
            parameters = self.networks.decode(self.latents.values(symbols))
            part = self.pixels.pop(stack, parameters, self.channels)
            self.latents.unpop(stack, part, symbols)
            images[start : start + size] = part
            advance(size)
        return images


def _draw_words(count: int) -> Words:
    """Return random words, always the same ones; the last one, which must not be zero, is odd."""
    drawn = np.random.PCG64(_SEED).random_raw(count).astype(np.uint64)
    words: Words = (drawn >> np.uint64(32)).astype(np.uint32)
    words[-1] |= 1
    return words


def hash_images(images: Images) -> str:
    """Return the SHA-256 of images' bytes, in hex."""
    return hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()
