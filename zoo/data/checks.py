"""Checks of images before they reach a model; messages state what was got, what is expected, and the way out."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.mapped import in_blocks
from zoo.data.tensors import as_array

EXPECTED = "uint8 in 0..255 or float in [0, 1]"


def is_array(data: object) -> bool:
    """Whether data is an array (or a tensor or a list) rather than a stream of batches."""
    return isinstance(data, np.ndarray | list) or (hasattr(data, "__array__") and hasattr(data, "shape"))


def as_float(images: np.ndarray) -> np.ndarray:
    """Return images, uint8 in 0..255 or float in [0, 1], as floats in [0, 1]."""
    return images / np.float32(255) if images.dtype == np.uint8 else images


def check_images(images: Any, image_shape: Sequence[int | None], what: str = "images") -> np.ndarray:
    """Check an entire array of images.

    Args:
        images: ``(batch, height, width, channels)``, uint8 in 0..255 or float in [0, 1].
        image_shape: ``(height, width, channels)``; None allows any size.
        what: the name of the images in messages.

    Returns:
        The images as a NumPy array.

    Raises:
        ValueError: a wrong shape, type or range, an empty set, NaN, or uint8 that holds only 0 and 1.
    """
    try:
        array = as_array(images)
    except ValueError as error:
        raise ValueError(f"{what}: got entries of different shapes; expected one array of images") from error
    _check_shape(array, image_shape, what)
    if array.dtype == np.uint8:
        highest = 0
        for block in in_blocks(array):
            highest = max(highest, int(block.max()))
            if highest > 1:
                break
        if highest == 1:
            raise ValueError(explain_range("uint8", 0, 1, what))
    elif np.issubdtype(array.dtype, np.floating):
        _check_range(array, what)
    else:
        raise ValueError(f"{what}: got {array.dtype}; expected {EXPECTED}: use {_convert(array)}")
    return array


def _convert(array: np.ndarray) -> str:
    """Return the expression that converts images of an unsupported type to a supported one."""
    if array.dtype == bool:
        return "images.astype('float32')"
    if not np.issubdtype(array.dtype, np.integer):
        return "an array of numbers"
    low, high = int(array.min()), int(array.max())
    if low >= 0 and high <= 255:
        return "images.astype('uint8')"
    if low >= 0 and array.dtype == np.uint16:
        return "(images / 65535).astype('float32')"
    return f"float32, rescaled from the stored range (here {low} to {high}) to [0, 1]"


def _check_shape(array: np.ndarray, image_shape: Sequence[int | None], what: str) -> None:
    expected = tuple(image_shape)
    shown = f"(batch, {', '.join('any' if n is None else str(n) for n in expected)})"
    fits = array.ndim == 4 and all(e is None or e == n for e, n in zip(expected, array.shape[1:], strict=True))
    if not fits:
        hint = ""
        if array.shape[1:] == expected[:2] and expected[2] == 1:
            hint = ": add the channel axis with images[..., None]"
        elif array.shape == expected:
            hint = ": add the batch axis with images[None]"
        raise ValueError(f"{what}: got shape {array.shape}; expected {shown}{hint}")
    if array.size == 0:
        raise ValueError(f"{what}: got an empty set, shape {array.shape}; expected at least one image")


def _check_range(array: np.ndarray, what: str) -> None:
    ends = [(float(block.min()), float(block.max())) for block in in_blocks(array)]
    low, high = float(np.min(ends)), float(np.max(ends))  # NaN if there is one.
    if low >= 0.0 and high <= 1.0:
        return
    count = sum(int((~np.isfinite(block)).sum()) for block in in_blocks(array))
    if count:
        raise ValueError(f"{what}: got {count} values that are NaN or infinite; expected {EXPECTED}")
    raise ValueError(explain_range(str(array.dtype), low, high, what))


def explain_range(dtype: str, low: float, high: float, what: str) -> str:
    """Return the message for images whose values go from ``low`` to ``high``."""
    if dtype == "uint8":
        return (
            f"{what}: got uint8 that holds only 0 and 1; expected {EXPECTED}: "
            "pass binary images as float (images.astype('float32')) or as 0 and 255 (images * 255)"
        )
    if not (math.isfinite(low) and math.isfinite(high)) or 0 <= low <= high <= 1:
        return f"{what}: got values that are NaN or infinite; expected {EXPECTED}"
    if low >= 0 and 2 < high <= 255:
        hint = ": divide by 255, or use images.astype('uint8')"
    else:
        hint = ": np.clip(images, 0, 1) for rounding errors, otherwise rescale"
    return f"{what}: got {dtype} from {low:.9g} to {high:.9g}; expected {EXPECTED}{hint}"


def refuse_targets(targets: object, what: str = "y") -> None:
    """Raise ``ValueError`` if targets were given: an autoencoder's target is its input."""
    if targets is not None:
        raise ValueError(
            f"{what}: got targets; expected none, since an autoencoder's target is its input: pass only the images"
        )


def check_batch_size(name: str, size: object) -> None:
    """Raise ``ValueError`` unless a batch size is None or a positive whole number."""
    whole = isinstance(size, numbers.Integral) and not isinstance(size, bool)
    if size is not None and not (whole and int(size) > 0):  # type: ignore[call-overload]
        raise ValueError(f"{name} is {size!r}: expected a whole number of at least 1")


def check_share(name: str, share: object) -> None:
    """Raise ``ValueError`` unless a share is None or a number in [0, 1)."""
    if share is not None and (not isinstance(share, numbers.Real) or not 0 <= float(share) < 1):
        raise ValueError(f"{name} is {share!r}: expected a number from 0 to below 1")


def refuse_weights(**weights: object) -> None:
    """Raise ``ValueError`` naming any weights of images or classes that were given."""
    for name, value in weights.items():
        if value is not None:
            raise ValueError(f"{name} is given; expected none: every image counts the same")
