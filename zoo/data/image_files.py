"""Reading image files as arrays of the shape that a model takes."""

from __future__ import annotations

import logging
import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo.data.jpeg import MOST_SCANS, MOST_WORK, count_scans
from zoo.data.memory import explain_shortage
from zoo.errors import DatasetError

logger = logging.getLogger("zoo")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
SHOWN = 3


def list_formats() -> tuple[str, ...]:
    """Return the supported formats: those that Pillow opens, except EPS, for which it runs Ghostscript."""
    Image.init()
    return tuple(name for name in Image.OPEN if name != "EPS")


def list_extensions() -> set[str]:
    """Return the file extensions of images, such as ``.png``, in lower case."""
    formats = list_formats()
    return {ending for ending, name in Image.registered_extensions().items() if name in formats}


def read_images(paths: Sequence[Path], image_shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """Read image files; any change to them (size, transparency) is logged.

    Args:
        paths: files that ``ImageReader`` reads.
        image_shape: ``(height, width, channels)``.

    Returns:
        ``(n, *image_shape)``, uint8.

    Raises:
        DatasetError: a file cannot be read, the number of channels is not supported, or they do not fit into memory.
    """
    reader = ImageReader(image_shape)
    check_memory("image files", len(paths), image_shape)
    images = np.stack([reader.read(path) for path in paths])
    reader.changes.report(image_shape)
    return images


def check_memory(where: str, count: int, image_shape: tuple[int, int, int]) -> None:
    """Raise ``DatasetError`` if that many images, and what reading one more takes, do not fit into memory."""
    shortage = explain_shortage((count + 2) * math.prod(image_shape))
    if shortage is not None:
        raise DatasetError(
            f"{where}: {count:,} images of shape {image_shape} do not fit into memory: choose a smaller shape or fewer "
            f"images (they need {shortage})"
        )


def explain(error: BaseException | None) -> str:
    """Return in a few words why an image cannot be read."""
    if isinstance(error, UnidentifiedImageError):
        return "not a format that Pillow knows"
    return str(error) or type(error).__name__


@dataclass
class Changes:
    """What was changed of images as they were read.

    Args:
        count: the number of images read.
        sizes: how many were resized from each ``(width, height)``.
        resized: a file that was resized; empty if none was.
        transparent: how many were composited on white.
        composited: a file that was; empty if none was.
    """

    count: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    resized: str = ""
    transparent: int = 0
    composited: str = ""

    def add(self, other: Changes) -> None:
        """Count those of other images too."""
        self.count += other.count
        self.sizes.update(other.sizes)
        self.transparent += other.transparent
        self.resized, self.composited = self.resized or other.resized, self.composited or other.composited

    def report(self, image_shape: tuple[int, int, int]) -> None:
        """Log, in one line each, how many of the images were resized to a shape, and how many composited on white."""
        height, width, _ = image_shape
        if self.sizes:
            shown = [f"{w}x{h}" for (w, h), _ in self.sizes.most_common(SHOWN)]
            more = f" and {len(self.sizes) - SHOWN} more" if len(self.sizes) > SHOWN else ""
            what = self._count(self.sizes.total(), self.resized)
            logger.warning("%s resized from %s%s to %dx%d", what, ", ".join(shown), more, width, height)
        if self.transparent:
            what = self._count(self.transparent, self.composited)
            logger.warning("%s transparent pixels are shown on white", what)

    def _count(self, number: int, path: str) -> str:
        return f"{path}:" if number == 1 else f"{number} of {self.count} images:"

    def to_json(self) -> list[Any]:
        """Return the fields as plain data."""
        sizes = [[*size, count] for size, count in self.sizes.items()]
        return [self.count, sizes, self.resized, self.transparent, self.composited]

    @classmethod
    def from_json(cls, content: Any) -> Changes:
        """Return what ``to_json`` was given; ``ValueError`` or ``TypeError`` if the content is something else."""
        count, sizes, resized, transparent, composited = content
        counter = Counter({(int(width), int(height)): int(number) for width, height, number in sizes})
        return cls(int(count), counter, str(resized), int(transparent), str(composited))


class ImageReader:
    """A reader that turns image files into arrays of one shape and records what it changes.

    16-bit grey is scaled to 8 bits; transparent pixels are composited on white if no alpha channel is requested; a
    photograph's orientation is applied; files of another size are resized (Lanczos).

    Args:
        image_shape: ``(height, width, channels)``: 1 channel reads grey, 3 colour, 4 colour with transparency.

    Raises:
        DatasetError: the number of channels is not supported.
    """

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        if image_shape[2] not in MODES:
            raise DatasetError(f"images with {image_shape[2]} channels are requested: image files have 1, 3 or 4")
        self.image_shape = image_shape
        self.formats = list_formats()
        self.changes = Changes()

    def read(self, path: Path) -> npt.NDArray[np.uint8]:
        """Read one file.

        Args:
            path: the file.

        Returns:
            uint8 of the requested shape.

        Raises:
            DatasetError: the file cannot be read, is damaged, or has so many pixels that Pillow warns about it.
        """
        height, width, channels = self.image_shape
        try:
            with warnings.catch_warnings():
                # Pillow warns about unusual files, one line each.
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(path, formats=self.formats) as file:
                    _check_work(file, path)
                    image, transparent = _to_mode(ImageOps.exif_transpose(file), channels)
                size = image.size
                if size != (width, height):
                    image = image.resize((width, height), Image.Resampling.LANCZOS)
                pixels = np.asarray(image, "uint8").reshape(self.image_shape)
        # Pillow's decoders may raise any exception on damaged files.
        except Exception as error:
            raise DatasetError(f"{path}: cannot be read as an image: {explain(error)}") from error
        self.changes.count += 1
        if size != (width, height):
            self.changes.sizes[size] += 1
            self.changes.resized = str(path)
        if transparent:
            self.changes.transparent += 1
            self.changes.composited = str(path)
        return pixels


def _check_work(image: Image.Image, path: Path) -> None:
    """Raise ``ValueError`` if a JPEG has so many scans that decoding it would take minutes."""
    if image.format not in ("JPEG", "MPO"):
        return
    with open(path, "rb") as file:
        scans = count_scans(file)
    if scans > MOST_SCANS or scans * image.width * image.height > MOST_WORK:
        raise ValueError(f"a JPEG of {scans:,} scans or more would take minutes to decode: save it again")


def _to_mode(image: Image.Image, channels: int) -> tuple[Image.Image, bool]:
    """Return an image with that many channels, and whether transparent pixels were composited on white."""
    transparent = False
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bits(image)
    if channels < 4 and image.has_transparency_data:
        image = image.convert("RGBA")
        transparent = image.getchannel("A").getextrema() != (255, 255)
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert(MODES[channels]), transparent


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion clips it at 255."""
    values = np.asarray(image)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise ValueError(f"grey values from {values.min():g} to {values.max():g}: expected 8 or 16 bits")
    return Image.fromarray(np.round(values / 257).astype("uint8"))
