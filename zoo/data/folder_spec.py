"""A folder of image files as a dataset name: ``folder:PATH`` or ``folder:PATH@64x64x3``."""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import partial
from pathlib import Path

from PIL import Image

from zoo.data.folder import VALIDATION_FROM, list_images, load_images
from zoo.data.suggested import suggest_settings
from zoo.errors import DatasetError
from zoo.registry.specs import FOLDER, DatasetSpec

SHAPE = re.compile(r"(.+)@(\d+)x(\d+)x(\d+)")
LARGEST = 256


class FolderSpec(DatasetSpec):
    """The description of a folder; its name is ``folder:PATH@HxWxC``, with PATH absolute."""

    def _check_name(self) -> None:
        """Accept a name that is a path."""


def folder_spec(name: str) -> FolderSpec:
    """Describe the folder that a name refers to.

    Args:
        name: ``folder:PATH``, if all its images have the same size of at most 256x256, which is then used for training;
            or ``folder:PATH@HxWxC``, as in ``folder:photos@64x64x3``, which resizes all images to that size.

    Returns:
        Its description, with a recipe for its number of images.

    Raises:
        DatasetError: there is no such folder, or its images do not all have the same size.
    """
    given = name.removeprefix(FOLDER)
    match = None if os.path.isdir(os.path.expanduser(given)) else SHAPE.fullmatch(given)
    path = Path(os.path.abspath(os.path.expanduser(match[1] if match else given)))
    if not path.is_dir():
        raise DatasetError(f"{path} is not a folder, expected one that contains images")
    names = [file.name for file in list_images(path, [])]
    shape = (int(match[2]), int(match[3]), int(match[4])) if match else _find_shape(path, names)
    return FolderSpec(
        name=f"{FOLDER}{path}@{'x'.join(map(str, shape))}",
        summary=f"the images in {path}",
        image_shape=shape,
        classes=(),
        load=partial(_load, path, shape),
        recipe=suggest_settings(max(1, round(VALIDATION_FROM * len(names)))),
    )


def _load(path: Path, shape: tuple[int, int, int], data_dir: object) -> object:
    return load_images(path, shape)


def _find_shape(path: Path, names: list[str]) -> tuple[int, int, int]:
    """Return the common shape of a folder's images: grey if all are grey, otherwise colour."""
    sizes: Counter[tuple[int, int]] = Counter()
    grey = True
    for name in names:
        try:
            with Image.open(path / name) as image:
                sizes[image.height, image.width] += 1
                grey = grey and image.mode in ("1", "L", "I;16", "I")
        except Exception:  # load_images reports what cannot be read.
            continue
    way_out = f"add the size to resize to, such as {FOLDER}{path}@64x64x3"
    if len(sizes) > 1:
        common = ", ".join(f"{height}x{width}" for (height, width), _ in sizes.most_common(3))
        raise DatasetError(f"{path}: its images have {len(sizes)} sizes ({common}, ...): {way_out}")
    if not sizes:
        raise DatasetError(f"{path} has no image that can be read, expected at least 3")
    ((height, width),) = sizes
    if max(height, width) > LARGEST:
        raise DatasetError(f"{path}: its images are {height}x{width}, expected at most {LARGEST}x{LARGEST}: {way_out}")
    return height, width, 1 if grey else 3
