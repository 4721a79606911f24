"""Reading the binary batches of CIFAR-10: https://www.cs.toronto.edu/~kriz/cifar.html.

A file consists only of records, each of them a label byte followed by the bytes of an image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.errors import DatasetError


def read_binary_batch(
    path: Path, shape: tuple[int, int], largest: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Read a binary batch whose size is known.

    Args:
        path: the file.
        shape: the required number of records, and the number of bytes in an image, such as ``(10000, 3072)``.
        largest: the largest label allowed.

    Returns:
        The images' bytes, uint8 of the given shape, and the labels, uint8 ``(records,)``.

    Raises:
        DatasetError: the file cannot be read, has another length, or has a larger label.
    """
    records, width = shape[0], 1 + shape[1]
    expected = records * width
    try:
        size = path.stat().st_size
        values = np.fromfile(path, np.uint8, expected) if size == expected else np.empty(0, np.uint8)
    except OSError as error:
        raise DatasetError(f"{path} is unreadable: {error}") from error
    if values.size != expected:
        what = "empty" if size == 0 else "truncated" if size < expected else "too long"
        raise DatasetError(f"{path} is {what}: {size} bytes, expected {expected} ({records} records of {width} bytes)")
    batch = values.reshape(records, width)
    if batch[:, 0].max() > largest:
        raise DatasetError(f"{path} has the label {batch[:, 0].max()}, expected 0..{largest}")
    return batch[:, 1:], batch[:, 0]
