"""A set of images as a model is scored on it, some at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops

from zoo.autoencoder.checks.labels import Inputs, replace_values, values_of
from zoo.autoencoder.draws import binarize
from zoo.autoencoder.model import AutoEncoder
from zoo.autoencoder.prediction import BATCH
from zoo.data.checks import as_float
from zoo.data.mapped import in_blocks

_BYTES = 2**26  # Of a block, as float32.
_BATCHES = 16  # The most of them in a block.


class Blocks:
    """Images that were checked as a whole, in blocks of whole batches, so that memory does not grow with their number.

    Args:
        model: the model.
        images: ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1], with labels or without.
        seed: the seed of the draws for dynamic binarization, which do not depend on the blocks.
    """

    def __init__(self, model: AutoEncoder, images: Inputs, seed: int) -> None:
        self.images, self.seed = images, seed
        self.dynamic = model.binarization == "dynamic"
        batches = _BYTES // (4 * BATCH * math.prod(images.shape[1:]))
        self.rows = BATCH * max(1, min(_BATCHES, batches))

    def __len__(self) -> int:
        return len(self.images)

    def pairs(self, rows: int | None = None) -> Iterator[tuple[Any, Any]]:
        """Yield images and what the bounds are computed of: the same, or binarised by chance.

        Args:
            rows: how many at a time; None: some batches.
        """
        generator = np.random.default_rng(self.seed)
        shown, start = values_of(self.images), 0
        for images in in_blocks(shown, rows or self.rows):
            part, start = self.images[start : start + len(images)], start + len(images)
            # A block may hold only 0 and 1, which a whole set of bytes may not.
            block = as_float(images) if images.dtype == np.uint8 and images.max() == 1 else images
            inputs = binarize(block, generator) if self.dynamic else block
            yield replace_values(part, block), replace_values(part, inputs)

    def inputs(self, rows: int | None = None) -> Iterator[Any]:
        """Yield what the bounds are computed of; as in ``pairs``."""
        return (inputs for _, inputs in self.pairs(rows))


def prepare(model: AutoEncoder, inputs: Inputs, draw: str = "fixed") -> Any:
    """Return images as ``model.prepare`` returns them, as an array; their labels stay with them."""
    return replace_values(inputs, ops.convert_to_numpy(model.pixels_of(model.prepare(inputs, draw=draw))))
