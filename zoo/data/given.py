"""Images in memory as a dataset to train on: arrays, splits, or a dataset."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.data.checks import check_images, is_array
from zoo.data.dataset import PARTS, Dataset, Split
from zoo.data.suggested import suggest_settings
from zoo.registry.specs import DatasetSpec

logger = logging.getLogger("zoo")
NAME = "array"  # The dataset's name where the images have none.
MOST_LABELS = 65_536
SHARE = 10  # One in so many images is for validation, and as many are for test.
LEVEL = 0.01  # How far from a whole grey level a float may be without a warning.
EXPECTED = "expected an array of images, a zoo.Dataset, or (train, validation) or (train, validation, test)"


class GivenSpec(DatasetSpec):
    """The description of a dataset in memory, which may have any name."""

    def _check_name(self) -> None:
        """Accept any name."""


def describe_given(dataset: Dataset) -> GivenSpec:
    """Describe a dataset in memory; its recipe follows from the number of images."""
    return GivenSpec(
        name=dataset.name,
        summary=f"{len(dataset.train):,} training images in memory",
        image_shape=dataset.image_shape,
        classes=dataset.classes or _name_labels(dataset),
        load=lambda data_dir: dataset,
        recipe=suggest_settings(len(dataset.train)),
    )


def _name_labels(dataset: Dataset) -> tuple[str, ...]:
    """Return a name for each number that labels may be; nothing if they do not count from 0."""
    labels = [getattr(dataset, part).labels for part in PARTS]
    low, high = min(int(it.min()) for it in labels), max(int(it.max()) for it in labels)
    return tuple(map(str, range(high + 1))) if low >= 0 and high < MOST_LABELS else ()


def as_dataset(data: Any) -> Dataset:
    """Return images in memory as a dataset.

    What is not given is split off the training images: a tenth of them, at least one, for validation and as many for
    test. They are drawn with a fixed seed, so that all runs on the same images are scored on the same ones.

    Args:
        data: a ``Dataset``, which is returned unchanged; images, as an array ``(n, H, W, C)``, uint8 in 0..255 or float
            in [0, 1], or as a ``Split``; or a tuple of two or three of these. Floats are rounded to 256 levels, with a
            warning if that changes them.

    Returns:
        The dataset. Its name is that of the splits if they share one, otherwise ``array``.

    Raises:
        TypeError: something else, such as a stream of batches.
        ValueError: the images are not as described above, or there are too few to split.
    """
    if isinstance(data, Dataset):
        return data
    given = data if isinstance(data, tuple) else (data,)
    if not 1 <= len(given) <= len(PARTS) or not all(isinstance(part, Split) or is_array(part) for part in given):
        kinds = ", ".join(type(part).__name__ for part in given)
        raise TypeError(f"data is {f'a tuple of {kinds}' if isinstance(data, tuple) else kinds}: {EXPECTED}")
    names = {part.dataset for part in given if isinstance(part, Split)}
    titles = ["data"] if len(given) == 1 else [f"data, {part}" for part in PARTS]
    parts = [_read(part, title) for part, title in zip(given, titles, strict=False)]
    shape = parts[0][0].shape[1:]
    for (images, _), part in zip(parts[1:], PARTS[1:], strict=False):
        if images.shape[1:] != shape:
            raise ValueError(f"data, {part}: images of shape {images.shape[1:]}: expected {shape}, as for training")
    name = names.pop() if len(names) == 1 else NAME
    splits = {part: Split(*arrays, name, part) for part, arrays in zip(PARTS, _complete(parts), strict=True)}
    classes = () if any(isinstance(part, Split) for part in given) else ("images",)
    return Dataset(name, **splits, classes=classes, image_shape=shape)


def fingerprint(dataset: Dataset) -> str:
    """Return the SHA-256, in hex, of the three splits' SHA-256."""
    digests = [getattr(dataset, part).sha256 for part in PARTS]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def _read(part: Any, what: str) -> Arrays:
    """Return images as uint8, and their labels."""
    if isinstance(part, Split):
        return part.images, part.labels
    images = check_images(part, (None, None, None), what)
    labels = np.zeros(len(images), np.int64)
    if images.dtype == np.uint8:
        return images, labels
    levels = images * np.float32(255)
    rounded = np.round(levels)
    if float(np.abs(levels - rounded).max()) > LEVEL:
        logger.warning("%s: the floats are rounded to 256 levels, in which zoo.train stores images", what)
    return rounded.astype(np.uint8), labels


def _complete(parts: list[Arrays]) -> list[Arrays]:
    """Split off the training images whatever is missing."""
    if len(parts) == len(PARTS):
        return parts
    images, labels = parts[0]
    missing = len(PARTS) - len(parts)
    each = max(1, len(images) // SHARE)
    if len(images) < missing + 1:
        raise ValueError(
            f"data has {len(images)} training image{'s' if len(images) != 1 else ''}: expected at least {missing + 1}, "
            f"from which {missing} can be split off"
        )
    order = np.random.default_rng(0).permutation(len(images))
    kept, *taken = np.split(order, [len(order) - each * (missing - n) for n in range(missing)])
    return [(images[kept], labels[kept]), *parts[1:], *((images[rows], labels[rows]) for rows in taken)]
