"""The shapes of images that an architecture is checked with."""

from __future__ import annotations

import re

import numpy as np

from zoo.registry.fields import Pattern, check_shape
from zoo.registry.specs import Architecture

Shape = tuple[int, int, int]
GREY, COLOUR, ODD = (28, 28, 1), (32, 32, 3), (31, 17, 2)
_TEXT = re.compile(r"(\d+)x(\d+)x(\d+)")


class Shapes:
    """The shapes of images to check an architecture with: one that is given, those declared, or the usual ones.

    Args:
        architecture: the architecture.
        given: the only shape to check, if any.

    Attributes:
        main: the shape that all checks use that need one.

    Raises:
        ValueError: the architecture is not for images of the given shape.
    """

    def __init__(self, architecture: Architecture, given: tuple[int, ...] | None = None) -> None:
        self.architecture = architecture
        self.given: Shape | None = None
        if given is not None:
            height, width, channels = check_shape(given, "image_shape", rank=3)
            self.given = (height, width, channels)
            architecture.check_takes(self.given)
        self.main = self.given or self.with_channels(1) or self.with_channels(3) or self.listed[0]

    @property
    def listed(self) -> list[Shape]:
        """The given shape, or one for each declared pattern; empty if the architecture takes all shapes."""
        return [self.given] if self.given else [_fill(it, 1) for it in self.architecture.image_shapes or ()]

    @property
    def odd(self) -> Shape | None:
        """A shape that is neither even nor square, with two channels; None if it is not to be checked."""
        return ODD if self.given is None and self.architecture.takes(ODD) else None

    def with_channels(self, channels: int) -> Shape | None:
        """Return a shape of grey (1) or coloured (3) images; None if there is none to check."""
        if self.given is not None:
            return self.given if self.given[2] == channels else None
        usual = GREY if channels == 1 else COLOUR
        if self.architecture.takes(usual):
            return usual
        fitting = (it for it in self.architecture.image_shapes or () if it[2] in (None, channels))
        return next((_fill(pattern, channels) for pattern in fitting), None)


def _fill(pattern: Pattern, channels: int) -> Shape:
    height, width, declared = pattern
    side = height or width or 32
    return height or side, width or side, declared or channels


def parse_shape(text: str) -> Shape:
    """Return the shape that text such as ``64x64x3`` gives; raise ``ValueError`` for other text."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"image shape {text!r}: expected height, width and channels, such as 64x64x3")
    height, width, channels = check_shape(tuple(map(int, match.groups())), "image shape", rank=3)
    return height, width, channels


def show_shape(shape: tuple[int, ...]) -> str:
    """Return a shape as text: ``28 x 28 x 1``."""
    return " x ".join(map(str, shape))


def real_images(shape: Shape, count: int) -> np.ndarray:
    """Return real images, uint8 ``(count, *shape)``: digits for one channel, else photographs, resized if need be."""
    from zoo.data.load import load_dataset

    dataset = load_dataset("mnist_sample" if shape[2] == 1 else "cifar10_sample", limit=count)
    images = np.array(dataset.train.images)
    rows, columns, channels = (
        np.arange(wanted) * had // wanted for wanted, had in zip(shape, images.shape[1:], strict=True)
    )
    return images[:, rows[:, None], columns[None, :]][..., channels]
