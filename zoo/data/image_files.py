"""Image files as arrays of the shape that a model takes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo.errors import DatasetError

logger = logging.getLogger("zoo")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def read_images(paths: Sequence[Path], image_shape: tuple[int, int, int]) -> np.ndarray:
    """Read image files; what is changed on the way (size, transparency) is logged.

    Args:
        paths: files that Pillow reads. 16-bit grey is scaled to 8 bits; transparent pixels are laid on white where the
            model takes no transparency; a photograph's orientation is applied.
        image_shape: ``(height, width, channels)``: 1 channel reads grey, 3 colour, 4 colour with transparency. Files of
            another size are resized (Lanczos).

    Returns:
        ``(n, *image_shape)``, uint8.

    Raises:
        DatasetError: a file that cannot be read, or another number of channels.
    """
    if image_shape[2] not in MODES:
        raise DatasetError(f"the model takes {image_shape[2]} channels: image files have 1, 3 or 4")
    return np.stack([_read(path, image_shape) for path in paths])


def _read(path: Path, image_shape: tuple[int, int, int]) -> np.ndarray:
    height, width, channels = image_shape
    try:
        with Image.open(path) as file:
            image = _to_mode(ImageOps.exif_transpose(file), channels, path)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{path}: cannot be read as an image: {error}") from error
    if image.size != (width, height):
        logger.info("%s: resized from %dx%d to %dx%d", path, image.width, image.height, width, height)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, "uint8").reshape(image_shape)


def _to_mode(image: Image.Image, channels: int, path: Path) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bits(image)
    if channels < 4 and image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            logger.info("%s: transparent pixels are laid on white", path)
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert(MODES[channels])


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale grey of 16 bits; Pillow's own conversion clips it at 255."""
    values = np.asarray(image)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise ValueError(f"grey values from {values.min():g} to {values.max():g}: expected 8 or 16 bits")
    return Image.fromarray(np.round(values / 257).astype("uint8"))
