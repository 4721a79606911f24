"""A dataset in memory: three splits of images and labels."""

from __future__ import annotations

import hashlib
import numbers
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.data.mapped import in_blocks
from zoo.data.tensors import as_array
from zoo.errors import counted
from zoo.notebooks import show_images, show_table, show_text, show_title
from zoo.registry.fields import check_shape
from zoo.shown import show

SHOWN = 10  # Images in a notebook.
PARTS = ("train", "validation", "test")


def hash_arrays(*arrays: npt.NDArray[Any]) -> str:
    r"""Hash arrays, including their types and shapes.

    SHA-256 is fed, for each array in turn, a line of ASCII text with the type's name and the sizes, such as
    ``uint8 10000x28x28x1\n``, and then the values in C order, little-endian.

    Args:
        *arrays: numbers of any shape.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.name} {'x'.join(map(str, array.shape))}\n".encode("ascii"))
        # In pieces, so that an array in another memory layout is never copied as a whole.
        for block in in_blocks(array):
            digest.update(np.ascontiguousarray(block, array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def check_limit(limit: object) -> int:
    """Return ``limit`` as an int, or raise ``ValueError`` unless it is a positive int."""
    if not isinstance(limit, numbers.Integral) or isinstance(limit, bool) or limit < 1:
        raise ValueError(f"limit is {limit!r}: expected a positive int, the number of images")
    return int(limit)


def _view_read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = array.view()
    view.setflags(write=False)
    return view


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """The images and labels of one part of a dataset, as read-only arrays.

    Arrays are not copied: images that are mapped from a file, as by ``numpy.load(file, mmap_mode="r")``, may be more
    than memory holds.

    Args:
        images: uint8, 0..255, of shape ``(N, height, width, channels)``, N > 0.
        labels: integers of shape ``(N,)``: positions in the dataset's ``classes``.
        dataset: the dataset's name.
        part: ``"train"``, ``"validation"`` or ``"test"``.

    Raises:
        ValueError: a field is not as described above.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.integer]
    dataset: str
    part: str

    def __post_init__(self) -> None:
        """Check every field."""
        if self.part not in PARTS:
            raise ValueError(f"split of {self.dataset}: part is {self.part!r}: expected one of {', '.join(PARTS)}")
        what = f"{self.dataset} {self.part}"
        images, labels = as_array(self.images), as_array(self.labels)
        if images.dtype != np.uint8 or images.ndim != 4 or images.size == 0:
            raise ValueError(
                f"{what}: images are {images.dtype} of shape {images.shape}: "
                "expected uint8 of shape (N, height, width, channels), not empty"
            )
        if not np.issubdtype(labels.dtype, np.integer) or labels.shape != (len(images),):
            raise ValueError(
                f"{what}: labels are {labels.dtype} of shape {labels.shape}: "
                f"expected integers of shape ({len(images)},), one for each image"
            )
        object.__setattr__(self, "images", _view_read_only(images))
        object.__setattr__(self, "labels", _view_read_only(labels))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        images = f"{counted(len(self), 'image')} of shape {self.images.shape[1:]}"
        return show(f"Split({self.dataset} {self.part}: {images})")

    def _repr_html_(self) -> str:
        first = show_images(self.images[:SHOWN], f"the first {counted(len(self.images[:SHOWN]), 'image')}")
        return show_title(repr(self)) + first + show_text(f"SHA-256 {self.sha256}")

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the images, then the labels; ``hash_arrays`` has the exact definition."""
        return hash_arrays(self.images, self.labels)

    def limit(self, n: int) -> Split:
        """Return the first images.

        Args:
            n: the maximum number, > 0.

        Returns:
            A split of the first ``min(n, len(self))`` images; nothing is copied.

        Raises:
            ValueError: ``n`` is not a positive int.
        """
        n = check_limit(n)
        return Split(self.images[:n], self.labels[:n], self.dataset, self.part)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A named source of images in three fixed splits.

    Args:
        name: the dataset's name.
        train: the split that models are fitted to.
        validation: the split that the best epoch is chosen on.
        test: the split used for evaluation only.
        classes: the class names, in the order of the labels; empty if there are none.
        image_shape: ``(height, width, channels)``, the same for all splits.

    Raises:
        ValueError: a field is not as described above, or a label is outside the classes.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        """Check that the three splits belong together."""
        shape = check_shape(self.image_shape, f"dataset {self.name}: image_shape", rank=3)
        object.__setattr__(self, "image_shape", shape)
        object.__setattr__(self, "classes", tuple(self.classes))
        for part in PARTS:
            self._check_split(part, getattr(self, part))

    def _check_split(self, part: str, split: object) -> None:
        what = f"dataset {self.name}: {part}"
        if not isinstance(split, Split):
            raise ValueError(f"{what} is a {type(split).__name__}: expected a Split")
        if (split.dataset, split.part) != (self.name, part):
            raise ValueError(f"{what} is the split {split.dataset} {split.part}: expected {self.name} {part}")
        if split.images.shape[1:] != self.image_shape:
            raise ValueError(f"{what} has images of shape {split.images.shape[1:]}: expected {self.image_shape}")
        low, high = int(split.labels.min()), int(split.labels.max())
        if self.classes and (low < 0 or high >= len(self.classes)):
            raise ValueError(f"{what} has labels {low}..{high}: expected 0..{len(self.classes) - 1}")

    def __repr__(self) -> str:
        counts = " / ".join(str(len(split)) for split in (self.train, self.validation, self.test))
        return show(f"Dataset({self.name}: {counts} images of shape {self.image_shape})")

    def _repr_html_(self) -> str:
        splits = [getattr(self, part) for part in PARTS]
        rows = [(split.part, f"{len(split):,}", f"{split.sha256[:12]}…") for split in splits]
        classes = [show_text(f"classes: {', '.join(self.classes)}")] if self.classes else []
        images = show_images(self.train.images[:SHOWN], "the first training images")
        return "".join([show_title(repr(self)), images, show_table(("part", "images", "SHA-256"), rows), *classes])

    def limit(self, n: int) -> Dataset:
        """Return the first images of each split.

        Args:
            n: the maximum number in each, > 0.

        Returns:
            A dataset with the same name; nothing is copied.

        Raises:
            ValueError: ``n`` is not a positive int.
        """
        return Dataset(
            self.name,
            self.train.limit(n),
            self.validation.limit(n),
            self.test.limit(n),
            self.classes,
            self.image_shape,
        )
