"""The images that a page shows: which ones, and how they get into it."""

from __future__ import annotations

import base64
import contextlib
import io
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from zoo.autoencoder.checks.inputs import check_data
from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import Dataset, Split
from zoo.data.load import load_recorded_dataset
from zoo.errors import DatasetError, UnknownNameError

LARGEST = 64  # Pixels of the longer side of the images that can be chosen.
SHOWN = 40


@dataclass(frozen=True)
class Images:
    """Images with what is known of them.

    Args:
        images: ``(n, H, W, C)``, uint8 or float in [0, 1].
        labels: ``(n,)``; None if there are none, or only one.
        classes: the classes' names.
        source: where they are from.
    """

    images: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...]
    source: str


def find_images(model: AutoEncoder, data: Any, data_dir: str | os.PathLike[str] | None) -> Images | None:
    """Return the images of a dataset's test split, a split or an array; None if none are known.

    Args:
        model: the model; without data, the dataset that it was trained on is looked for.
        data: a ``zoo.Dataset``, a ``zoo.Split``, an array of images, or None.
        data_dir: the folder that has the dataset's files.

    Raises:
        ValueError: the images are not the model's.
    """
    found = _find_dataset(model, data_dir) if data is None else data
    if found is None:
        return None
    classes: tuple[str, ...] = ()
    if isinstance(found, Dataset):
        classes, found = found.classes, found.test
    labels = found.labels if isinstance(found, Split) else None
    source = f"{found.part} images of {found.dataset}" if isinstance(found, Split) else "the given images"
    images = check_data(found, model.image_shape)
    if not isinstance(images, np.ndarray):
        raise ValueError(f"data is a stream ({type(data).__name__}): expected a dataset, a split or an array")
    if labels is not None and len(np.unique(labels)) < 2:
        labels = None
    return Images(images, labels, classes, source)


def _find_dataset(model: AutoEncoder, data_dir: str | os.PathLike[str] | None) -> Dataset | None:
    trained_on = (model.provenance or {}).get("trained_on")
    for name in () if trained_on is None else (trained_on, f"{trained_on}_sample"):
        with contextlib.suppress(DatasetError, UnknownNameError, ValueError, TypeError):
            dataset = load_recorded_dataset(name, data_dir=data_dir)
            if dataset.image_shape == model.image_shape:
                return dataset
    return None


def choose(found: Images, most: int, seed: int) -> Images:
    """Return at most that many images, drawn at random; the first ``SHOWN`` have all classes in turn."""
    order = np.sort(np.random.default_rng(seed).permutation(len(found.images))[:most])
    if found.labels is not None:
        drawn = found.labels[order]
        # How many of its class come before each image.
        rank = np.zeros(len(order), int)
        for value in np.unique(drawn):
            rank[drawn == value] = np.arange((drawn == value).sum())
        first = np.lexsort((drawn, rank))[:SHOWN]
        order = np.concatenate([order[first], np.delete(order, first)])
    labels = None if found.labels is None else found.labels[order]
    return Images(found.images[order], labels, found.classes, found.source)


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Return images as uint8 in 0..255."""
    return images if images.dtype == np.uint8 else np.rint(np.clip(images, 0, 1) * 255).astype("uint8")


def make_sheet(images: np.ndarray, columns: int) -> dict[str, Any]:
    """Return images side by side in one PNG file, as a data URI, with the tiles' size and whether they are exact."""
    shown, exact = as_bytes(images), True
    if shown.shape[-1] not in (1, 3):
        shown, exact = shown.mean(axis=-1, keepdims=True).astype("uint8"), False
    tiles = [Image.fromarray(it if it.shape[-1] == 3 else it[..., 0]) for it in shown]
    if max(tiles[0].size) > LARGEST:
        exact = False
        for tile in tiles:
            tile.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    width, height = tiles[0].size
    sheet = Image.new(tiles[0].mode, (columns * width, -(-len(tiles) // columns) * height))
    for index, tile in enumerate(tiles):
        sheet.paste(tile, (index % columns * width, index // columns * height))
    content = io.BytesIO()
    sheet.save(content, "PNG", optimize=True)
    uri = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode("ascii")
    return {"uri": uri, "width": width, "height": height, "columns": columns, "count": len(tiles), "exact": exact}
