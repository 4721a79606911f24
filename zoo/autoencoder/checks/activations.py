"""How much memory a pass through a model takes, estimated from the shapes of its layers' outputs."""

from __future__ import annotations

import math
from typing import Any

from zoo.autoencoder.internals import call_shapes
from zoo.data.memory import GIGABYTE, SMALL, free_memory

_BYTES = 4  # Of a float32.
# A convolution keeps padded or reordered copies of its input beside the input and the output.
_COPIES = 2
_SHARE = 0.5  # Of the free memory: results and the backend's own buffers take the rest.


def bytes_per_image(part: Any) -> tuple[int, str]:
    """Return the most memory that one call of a layer takes for one image, and the layer's name.

    Args:
        part: a functional or Sequential model. Of a layer with layers of its own, the outermost shapes count.
    """
    most, where = 0, ""
    for name, shapes in call_shapes(part):
        size = _COPIES * _BYTES * sum(math.prod(n for n in shape if n is not None) for shape in shapes)
        if size > most:
            most, where = size, name
    return most, where


def largest_layer(model: Any) -> tuple[int, str]:
    """Return the most memory that a layer of an ``AutoEncoder`` takes for one image, bytes, and the layer's name."""
    return max(bytes_per_image(part) for part in (model.encoder, model.decoder))


def largest_batch(model: Any, most: int) -> int:
    """Return how many images may go through a model at once; see ``fitting_batch``."""
    return fitting_batch(largest_layer(model), most)


def fitting_batch(layer: tuple[int, str], most: int) -> int:
    """Return how many images may go through a model at once.

    Args:
        layer: its largest layer, as ``largest_layer`` returns it.
        most: the most that are wanted; what is returned unless memory is short.

    Raises:
        ValueError: not even a single image fits into memory.
    """
    size, where = layer
    if size * most <= SMALL:
        return most
    free = free_memory()
    fitting = int(_SHARE * free) // size
    if fitting < 1:
        raise ValueError(
            f"the layer {where[:80]!r} needs about {size / GIGABYTE:,.1f} GiB of memory for one image, and "
            f"{free / GIGABYTE:,.1f} GiB are free: use a model with smaller layers, or a machine with more memory"
        )
    return min(most, fitting)
