"""A folder of image files as a dataset."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import PIL

from zoo.data.dataset import Dataset, Split
from zoo.data.decoding import LeftOut, Shape
from zoo.data.image_cache import VARIABLE, Images, cache_folder, read_through_cache
from zoo.data.image_files import SHOWN, ImageReader, check_memory, explain, list_extensions
from zoo.errors import DatasetError
from zoo.files import MEGABYTE
from zoo.registry.fields import check_shape
from zoo.registry.specs import FOLDER as PREFIX

logger = logging.getLogger("zoo")
VALIDATION_FROM, TEST_FROM = 0.8, 0.9
CACHED = 16 * MEGABYTE  # Folders with as much of files or of pixels are decoded only once.


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
            folders, or the images do not fit onto the cache's disk.
        ValueError: ``image_shape`` is not three positive ints.

    Example:
        ```python
        dataset = zoo.load_images("photos", (64, 64, 3))
        dataset.train.images.shape     # (N, 64, 64, 3)
        ```
    """
    height, width, channels = check_shape(image_shape, "image_shape", rank=3)
    shape = (height, width, channels)
    root = Path(os.path.abspath(os.path.expanduser(os.fspath(folder))))
    if not os.path.isdir(root):
        raise DatasetError(f"{root} is not a folder, expected one that contains images")
    unreadable: list[str] = []
    files = sorted(list_images(root, unreadable), key=lambda file: _place(file.name))
    names = [file.name for file in files]
    classes = _list_classes(root, names)
    found = _read(root, files, names, shape)
    unreadable += [f"{names[number]} ({reason})" for number, reason in found.left_out]
    for number, _ in reversed(found.left_out):
        del names[number]
    if len(names) < 3:
        raise DatasetError(_explain_shortage(root, len(names), unreadable))
    found.changes.report(shape)
    if unreadable:
        logger.warning(
            "%s: %d of %d image files and folders could not be read and were left out: %s",
            *(root, len(unreadable), len(unreadable) + len(names), _shorten(unreadable)),
        )
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers.get(name.partition("/")[0], 0) for name in names], np.int64)
    return _split(f"{PREFIX}{root}", found.images, labels, [_place(name)[0] for name in names], classes)


class ImageFile(NamedTuple):
    """An image file: its path in its folder, with ``/``, its bytes, and when it was changed, in nanoseconds."""

    name: str
    size: int
    changed: int


def list_images(root: Path, unreadable: list[str]) -> Iterator[ImageFile]:
    """Return the image files in ``root``; unreadable folders are appended to ``unreadable``."""
    endings, seen, waiting = list_extensions(), set(), [""]
    while waiting:
        folder = waiting.pop()
        try:
            # Links may form cycles, or lead to the same images twice.
            status = os.stat(root / folder)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(root / folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            unreadable.append(f"{folder.rstrip('/') or '.'} ({error.strerror})")
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                waiting.append(f"{folder}{entry.name}/")
            elif os.path.splitext(entry.name)[1].lower() in endings:
                found = _status(entry)
                # Anything that exists but is no file, such as a pipe, is skipped; a broken link counts as unreadable.
                if found is None or stat.S_ISREG(found.st_mode):
                    size, changed = (-1, 0) if found is None else (found.st_size, found.st_mtime_ns)
                    yield ImageFile(folder + entry.name, size, changed)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link to what may not be looked at.
        return False


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        return None


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


def _read(root: Path, files: list[ImageFile], names: list[str], shape: Shape) -> Images:
    """Read all images: through the cache, unless that would cost more than it saves, or cannot be written."""
    reader = ImageReader(shape)
    size = math.prod(shape) * len(files)
    if max(size, sum(file.size for file in files)) >= CACHED:
        try:
            return read_through_cache(root, names, shape, _key(root, files, shape))
        except OSError as error:
            logger.warning(
                "the cache in %s cannot be written (%s): set %s to another folder; until then, %s is decoded each time",
                *(cache_folder(), error.strerror or error, VARIABLE, root),
            )
    check_memory(str(root), len(names), shape)
    images, left_out = np.empty((len(names), *shape), np.uint8), LeftOut()
    for number, name in enumerate(names):
        try:
            images[number - len(left_out)] = reader.read(root / name)
        except DatasetError as error:
            left_out.append((number, explain(error.__cause__)))
    return Images(images[: len(names) - len(left_out)], left_out, reader.changes)


def _key(root: Path, files: list[ImageFile], shape: Shape) -> str:
    """Return a digest of all that decides the pixels: folder, files, shape and what decodes them."""
    digest = hashlib.sha256(f"{os.fspath(root)}\n{shape}\n{PIL.__version__}\n".encode("utf-8", "surrogateescape"))
    for file in files:
        digest.update(os.fsencode(file.name) + f"\0{file.size}\0{file.changed}\n".encode())
    return digest.hexdigest()


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
