"""The images that an argument names: a dataset, a folder or a file of NumPy's, as they are or made to fit."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.data.dataset import PARTS
from zoo.data.folder import list_images
from zoo.data.image_files import MODES, ImageReader, check_memory, read_images
from zoo.data.load import load_dataset
from zoo.errors import DatasetError, UnknownNameError, counted
from zoo.files import LARGEST, open_file
from zoo.registry import catalogue

logger = logging.getLogger("zoo")
_ARRAYS = (".npy", ".npz")
_MODES = {1: ("L", "1"), 3: ("RGB",), 4: ("RGBA",)}


def read_exactly(given: str, image_shape: tuple[int, int, int], data_dir: Path | None) -> Any:
    """Return images as they are: nothing is resized, and no colour is converted.

    Args:
        given: a folder, whose image files are read in the order of their names, those in folders within it too; a
            ``.npy`` or ``.npz`` file; or a dataset's name, with ``:train`` or ``:validation`` for another part than
            the test images.
        image_shape: ``(height, width, channels)``, which the images must have.
        data_dir: the folder with the official files.

    Raises:
        DatasetError: an image or a file cannot be read, or has another shape.
        UnknownNameError: there is nothing of this name.
    """
    path = Path(given)
    if path.is_dir():
        return _read_unchanged(path, image_shape)
    return _read_other(given, data_dir)


def read_fitted(given: str, image_shape: tuple[int, int, int], data_dir: Path | None, limit: int | None = None) -> Any:
    """Return images made to fit a model; any change to them is logged.

    Images of another size are resized (Lanczos), ignoring their proportions; colour becomes grey, and grey colour.

    Args:
        given: as for ``read_exactly``.
        image_shape: ``(height, width, channels)`` of the images to return.
        data_dir: the folder with the official files.
        limit: how many to read at most; None: all.

    Raises:
        DatasetError: an image or a file cannot be read, or cannot be made to fit.
        UnknownNameError: there is nothing of this name.
    """
    path = Path(given)
    if path.is_dir():
        return read_images(_list_files(path)[:limit], image_shape)
    found = _read_other(given, data_dir)
    images = (found if isinstance(found, np.ndarray) else found.images)[:limit]
    if images.shape[1:] == image_shape:
        return images
    fitted = fit_images(images, image_shape)
    before, after = ("x".join(map(str, it.shape[1:])) for it in (images, fitted))
    logger.warning("%s: %s changed from %s to %s", given, counted(len(images), "image"), before, after)
    return fitted


def fit_images(images: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Return images ``(n, H, W, C)``, uint8, in another size, and grey or in colour as asked for.

    Raises:
        DatasetError: they are not bytes, or have or need another number of channels than 1, 3 or 4.
    """
    height, width, channels = image_shape
    if images.dtype != np.uint8 or images.ndim != 4 or not {images.shape[-1], channels} <= MODES.keys():
        raise DatasetError(
            f"images of {images.dtype} and shape {images.shape} cannot be made to fit {image_shape}: expected uint8 of "
            "shape (n, height, width, channels) with 1, 3 or 4 channels"
        )
    check_memory("images", len(images), image_shape)
    fitted = np.empty((len(images), *image_shape), np.uint8)
    for number, image in enumerate(images):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert(MODES[channels])
        resized = picture.resize((width, height), Image.Resampling.LANCZOS)
        fitted[number] = np.asarray(resized).reshape(image_shape)
    return fitted


def _read_other(given: str, data_dir: Path | None) -> Any:
    path = Path(given)
    if path.suffix.lower() in _ARRAYS:
        return _read_array(path)
    name, _, part = given.partition(":")
    if name not in catalogue.list_datasets() or (part and part not in PARTS):
        raise UnknownNameError(
            f"{given}: no folder, .npy or .npz file, nor a dataset such as mnist:test (zoo datasets)"
        )
    return getattr(load_dataset(name, data_dir=data_dir), part or "test")


def _list_files(folder: Path) -> list[Path]:
    unreadable = list[str]()
    files = [folder / name for name in sorted(file.name for file in list_images(folder, unreadable))]
    if unreadable or not files:
        raise DatasetError(f"{folder}: {unreadable[0] if unreadable else 'it has no image files'}")
    return files


def _read_unchanged(folder: Path, image_shape: tuple[int, int, int]) -> np.ndarray:
    height, width, channels = image_shape
    reader, files = ImageReader(image_shape), _list_files(folder)
    check_memory(str(folder), len(files), image_shape)
    images = []
    for file in files:
        images.append(reader.read(file))
        with Image.open(file) as opened:
            found = (opened.mode, opened.size)
        if found[0] not in _MODES[channels] or found[1] != (width, height):
            raise DatasetError(
                f"{file} is {found[0]} of {found[1][0]}x{found[1][1]}: expected {_MODES[channels][0]} of "
                f"{width}x{height}, since nothing is converted: convert it first"
            )
    return np.stack(images)


def _read_array(path: Path) -> np.ndarray:
    with open_file(path, most=LARGEST, links=True) as file:
        try:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            names = found.files
            name = "images" if "images" in names else names[0] if len(names) == 1 else None
            if name is None:
                raise DatasetError(f"{path} has {counted(len(names), 'array')}: expected one, or one called images")
            array: np.ndarray = found[name]
            return array
        except (ValueError, EOFError, OSError, zipfile.BadZipFile, MemoryError) as error:
            raise DatasetError(f"{path} cannot be read as an array of numbers: {str(error)[:200]}") from error
