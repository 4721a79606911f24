"""Arrays of any size, read in blocks; of those that are mapped from files, only what is in use stays in memory."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

_BLOCK = 2**24  # Bytes that are looked at at a time.
_RESIDENT = 2**27  # Bytes that reading by index may leave in memory.
# What the system may map around each place that is read, beside what is asked for: 256 KiB were seen.
_AROUND = 2**20


def find_map(array: npt.NDArray[Any]) -> mmap.mmap | None:
    """Return the mapping of a file that an array shows; None for any other array."""
    found: Any = array
    while isinstance(found, np.ndarray):
        if isinstance(found, np.memmap) and found.mode == "c":
            return None  # Its changes are in memory alone.
        found = found.base
    return found if isinstance(found, mmap.mmap) else None


def release(array: npt.NDArray[Any]) -> None:
    """Let go of the memory that holds what was read of a mapped array; it is read again where it is needed."""
    found = find_map(array)
    if found is not None and hasattr(mmap, "MADV_DONTNEED"):
        found.madvise(mmap.MADV_DONTNEED)


def bytes_of(shape: tuple[int, ...], dtype: npt.DTypeLike = np.uint8) -> int:
    """Return the bytes of an array."""
    return math.prod(shape) * np.dtype(dtype).itemsize


def in_blocks(array: npt.NDArray[Any], rows: int | None = None) -> Iterator[npt.NDArray[Any]]:
    """Yield an array's rows in order, some at a time.

    Args:
        array: of any shape but a scalar's.
        rows: how many at a time; None: as many as take up 16 MiB.
    """
    rows = rows or max(1, _BLOCK // max(1, bytes_of(array.shape[1:], array.dtype)))
    for start in range(0, len(array), rows):
        yield array[start : start + rows]
        release(array)


class RowReader:
    """A function that returns rows of an array by their numbers, in memory of its own.

    Args:
        array: mapped from a file or not.
    """

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self.array = array
        self._most = max(1, _RESIDENT // (bytes_of(array.shape[1:], array.dtype) + _AROUND))
        self._read = 0

    def __call__(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[Any]:
        """Return the rows with these numbers."""
        found: npt.NDArray[Any] = np.asarray(self.array[rows])
        self._read += len(rows)
        if self._read >= self._most:
            release(self.array)
            self._read = 0
        return found
