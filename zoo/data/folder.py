"""A folder of image files as a dataset."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data.dataset import Dataset, Split
from zoo.data.image_files import SHOWN, ImageReader, check_memory, explain, list_extensions
from zoo.errors import DatasetError
from zoo.registry.fields import check_shape
from zoo.registry.specs import FOLDER as PREFIX

logger = logging.getLogger("zoo")
VALIDATION_FROM, TEST_FROM = 0.8, 0.9


def load_images(folder: str | os.PathLike[str], image_shape: tuple[int, int, int]) -> Dataset:
    """Load a folder of your own images.

    Its sub-folders are the classes, sorted by name; images in nested folders belong to the same class. Without
    sub-folders there is one class, ``images``. Files are recognised by the extensions that Pillow knows; hidden files
    and folders are skipped, links are followed. Files that cannot be read are left out, with one warning.

    The split of an image depends only on a hash of its path inside the folder: about 80 % are for training, 10 % for
    validation and 10 % for test, and adding a file moves no other. An image is moved only if a split would otherwise
    be empty. Each split is in the order of that hash, so that its first images are a fair sample.

    Args:
        folder: the folder.
        image_shape: ``(height, width, channels)`` of the images to return: 1 channel is grey, 3 colour, 4 colour with
            transparency. Images of another size are resized, ignoring their proportions, with one warning.

    Returns:
        The dataset ``folder:PATH``, with PATH absolute: images uint8 ``(N, *image_shape)``, labels int64 ``(N,)``.

    Raises:
        DatasetError: there is no such folder, fewer than three of its images can be read, it has images next to class
            folders, or the images do not fit into memory.
        ValueError: ``image_shape`` is not three positive ints.

    Example:
        ```python
        dataset = zoo.load_images("photos", (64, 64, 3))
        dataset.train.images.shape     # (N, 64, 64, 3)
        ```
    """
    height, width, channels = check_shape(image_shape, "image_shape", rank=3)
    root = Path(os.path.abspath(os.path.expanduser(os.fspath(folder))))
    if not os.path.isdir(root):
        raise DatasetError(f"{root} is not a folder, expected one that contains images")
    reader = ImageReader((height, width, channels))
    unreadable: list[str] = []
    names = sorted(list_images(root, unreadable), key=_place)
    classes = _list_classes(root, names)
    images, kept = _read_all(root, names, reader, unreadable)
    if len(kept) < 3:
        raise DatasetError(_explain_shortage(root, len(kept), unreadable))
    reader.report()
    if unreadable:
        logger.warning(
            "%s: %d of %d image files and folders could not be read and were left out: %s",
            *(root, len(unreadable), len(unreadable) + len(kept), _shorten(unreadable)),
        )
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers.get(name.partition("/")[0], 0) for name in kept], np.int64)
    return _split(f"{PREFIX}{root}", images, labels, [_place(name)[0] for name in kept], classes)


def list_images(root: Path, unreadable: list[str]) -> Iterator[str]:
    """Return the paths of image files in ``root``, with ``/``; unreadable folders are appended to ``unreadable``."""
    endings, seen, waiting = list_extensions(), set(), [root]
    while waiting:
        folder = waiting.pop()
        try:
            # Links may form cycles, or lead to the same images twice.
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(folder.iterdir(), reverse=True)
        except OSError as error:
            unreadable.append(f"{folder.relative_to(root).as_posix()} ({error.strerror})")
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if os.path.isdir(entry):
                waiting.append(entry)
            # Anything that exists but is not a file, such as a pipe, is skipped; a broken link counts as unreadable.
            elif entry.suffix.lower() in endings and (os.path.isfile(entry) or not os.path.exists(entry)):
                yield entry.relative_to(root).as_posix()


def _list_classes(root: Path, names: list[str]) -> tuple[str, ...]:
    """Return the first components of the paths, sorted."""
    loose = [name for name in names if "/" not in name]
    classes = tuple(sorted({name.partition("/")[0] for name in names if "/" in name}))
    if loose and classes:
        raise DatasetError(
            f"{root} has {len(loose)} images ({_shorten(sorted(loose))}) next to folders of images "
            f"({_shorten(list(classes))}), expected one or the other: move them into a folder named after their class"
        )
    return classes or ("images",)


def _place(name: str) -> tuple[float, str]:
    """Return a path's sort key among all images: a number in [0, 1] that depends only on the path, and the path."""
    return int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:8], "big") / 2**64, name


def _read_all(
    root: Path, names: list[str], reader: ImageReader, unreadable: list[str]
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Read all readable images into one array; return it and their names."""
    check_memory(str(root), len(names), reader.image_shape)
    images = np.empty((len(names), *reader.image_shape), np.uint8)
    kept: list[str] = []
    for name in names:
        try:
            images[len(kept)] = reader.read(root / name)
            kept.append(name)
        except DatasetError as error:
            unreadable.append(f"{name} ({explain(error.__cause__)})")
    return images[: len(kept)], kept


def _split(
    name: str,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    places: list[float],
    classes: tuple[str, ...],
) -> Dataset:
    """Cut the images, which are in the order of their places, into three non-empty splits."""
    first, second = np.searchsorted(places, [VALIDATION_FROM, TEST_FROM]).tolist()
    first = min(max(first, 1), len(images) - 2)
    second = min(max(second, first + 1), len(images) - 1)
    return Dataset(
        name,
        Split(images[:first], labels[:first], name, "train"),
        Split(images[first:second], labels[first:second], name, "validation"),
        Split(images[second:], labels[second:], name, "test"),
        classes,
        images.shape[1:],
    )


def _explain_shortage(root: Path, count: int, unreadable: list[str]) -> str:
    expected = "expected at least 3: one each for training, validation and test"
    if unreadable:
        readable = "none" if count == 0 else f"only {count}"
        return (
            f"{root}: {readable} of its {count + len(unreadable)} image files can be read, {expected}; "
            f"unreadable: {_shorten(unreadable)}"
        )
    return f"{root} has {count} image files with extensions that Pillow knows, such as .png and .jpg, {expected}"


def _shorten(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
