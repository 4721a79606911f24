"""Reading IDX, the file format of MNIST.

A file is a big-endian header (two zero bytes, the type, the rank, then each size as a uint32) followed by the values
in C order, as described at http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from zoo.errors import DatasetError

UINT8 = 8


def read_idx(path: Path, shape: tuple[int, ...], largest: int = 255) -> npt.NDArray[np.uint8]:
    """Read an IDX file of bytes with a known shape.

    The header is only compared with ``shape``, never trusted, so no more than that is read or decompressed.

    Args:
        path: the file; one whose name ends in ``.gz`` is decompressed.
        shape: the sizes that the file must have, such as ``(60000, 28, 28)``.
        largest: the largest value allowed, such as 9 for the labels of ten classes.

    Returns:
        uint8 values of the given shape, 0..largest, read-only.

    Raises:
        DatasetError: the file cannot be read, is damaged, or is not as described above.
    """
    try:
        with _open(path) as file:
            _check_header(path, file, shape)
            values = _read_values(path, file, shape)
    # An incomplete gzip stream is an EOFError, a corrupt one a zlib.error or a BadGzipFile (an OSError).
    except (EOFError, zlib.error, OSError) as error:
        what = "damaged, or not gzip" if path.suffix == ".gz" else "unreadable"
        raise DatasetError(f"{path} is {what}: {error}") from error
    if values.size and values.max() > largest:
        raise DatasetError(f"{path} has the value {values.max()}, expected 0..{largest}")
    return values


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _check_header(path: Path, file: IO[bytes], shape: tuple[int, ...]) -> None:
    expected = bytes([0, 0, UINT8, len(shape)])
    header = file.read(len(expected) + 4 * len(shape))
    if not header:
        raise DatasetError(f"{path} is empty, expected an IDX file")
    if header[:4] != expected:
        raise DatasetError(f"{path} begins with {header[:4].hex()}, expected {expected.hex()} (IDX, rank {len(shape)})")
    if len(header) < len(expected) + 4 * len(shape):
        raise DatasetError(f"{path} ends inside its header, expected {len(expected) + 4 * len(shape)} bytes of header")
    sizes = struct.unpack(f">{len(shape)}I", header[4:])
    if sizes != shape:
        raise DatasetError(f"{path} has shape {sizes}, expected {shape}")


def _read_values(path: Path, file: IO[bytes], shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    count = int(np.prod(shape))
    # One extra byte reveals a file that is too long; reaching the end makes gzip verify the checksum.
    values = file.read(count + 1)
    if len(values) < count:
        raise DatasetError(f"{path} is truncated: {len(values)} bytes after the header, expected {count}")
    if len(values) > count:
        got = "more" if path.suffix == ".gz" else f"{os.path.getsize(path) - 4 - 4 * len(shape)} bytes"
        raise DatasetError(f"{path} is too long: {got} after the header, expected {count} bytes")
    return np.frombuffer(values, np.uint8).reshape(shape)
