"""Sheets of image tiles as small data URIs."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

LARGEST = 64  # Pixels of a tile's longer side; larger images are scaled down.
SHARP = 48  # Tiles up to this size are enlarged with sharp pixels.


@dataclass(frozen=True)
class Sheet:
    """A picture made of rows of tiles.

    Args:
        uri: the data URI.
        width: width in pixels.
        height: height in pixels.
        columns: tiles per row.
        sharp: whether its pixels stay square when it is enlarged.
        alt: what it shows.
        label: the text to its left.
    """

    uri: str
    width: int
    height: int
    columns: int
    sharp: bool
    alt: str
    label: str = ""


def make_sheet(images: np.ndarray, alt: str, label: str = "", columns: int | None = None) -> Sheet:
    """Return a sheet with the images side by side, with transparent gaps.

    Args:
        images: ``(n, H, W, C)``, float in [0, 1].
        alt: what the images show.
        label: the text to their left.
        columns: images per row; by default all are in one row.
    """
    tiles = [_as_tile(image) for image in images]
    height, width = tiles[0].shape[:2]
    columns = columns or len(tiles)
    rows = -(-len(tiles) // columns)
    gap = max(1, width // 16)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 4), "uint8")
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    written = io.BytesIO()
    Image.fromarray(sheet).save(written, "WEBP", lossless=True, quality=80, method=4)
    uri = "data:image/webp;base64," + base64.b64encode(written.getvalue()).decode("ascii")
    return Sheet(uri, sheet.shape[1], sheet.shape[0], columns, max(height, width) <= SHARP, alt, label)


def _as_tile(image: np.ndarray) -> np.ndarray:
    channels = image.shape[-1]
    # Two channels, or more than four, have no natural colours, so show their mean in grey.
    shown = image if channels in (3, 4) else np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1)
    pixels = np.round(255 * np.clip(shown, 0, 1)).astype("uint8")
    tile = Image.fromarray(pixels).convert("RGBA")
    tile.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return np.asarray(tile)
