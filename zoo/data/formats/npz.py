"""Reading .npz, a zip archive of arrays: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html."""

from __future__ import annotations

import re
import struct
import textwrap
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.errors import DatasetError

MAGIC = b"\x93NUMPY\x01\x00"
HEADER = re.compile(r"\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n")
SLACK = 65_536
METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}


def read_npz(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, npt.NDArray[np.uint8]]:
    """Read arrays of bytes with known names and shapes.

    An array's header is only compared with its shape, never trusted, so no more than that is decompressed; nothing is
    unpickled.

    Args:
        path: the file.
        shapes: the name and shape of each array that the file must have.

    Returns:
        By name, read-only uint8 arrays of these shapes.

    Raises:
        DatasetError: the file cannot be read, is damaged, or is not as described above.
    """
    most = SLACK + sum(int(np.prod(shape)) for shape in shapes.values())
    try:
        size = path.stat().st_size
        if size > most:
            raise DatasetError(f"{path} is too long: {size} bytes, expected at most {most}")
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if not shapes.keys() <= members.keys():
                got = textwrap.shorten(", ".join(sorted(members)), 200) or "nothing"
                raise DatasetError(f"{path} contains {got}, expected {', '.join(shapes)}")
            return {name: _read_member(path, archive, members[name], shape) for name, shape in shapes.items()}
    # An archive that needs a password, or of an unknown kind, is a RuntimeError.
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError) as error:
        # The message may contain a name from the archive, of up to 65,535 bytes.
        raise DatasetError(f"{path} is unreadable, or a damaged .npz: {str(error)[:200]}") from error


def _read_member(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, shape: tuple[int, ...]
) -> npt.NDArray[np.uint8]:
    what = f"{path}: {info.filename}"
    # The other methods have no limit on decompression.
    if info.compress_type not in METHODS:
        expected = " or ".join(METHODS.values())
        raise DatasetError(f"{what} is compressed by the method {info.compress_type}, expected {expected}")
    with archive.open(info) as file:
        fortran = _check_header(what, file.read(len(MAGIC)), file.read(*struct.unpack("<H", file.read(2))), shape)
        count = int(np.prod(shape))
        # One extra byte reveals an array that is too long; reaching the end makes zipfile verify the checksum.
        values = file.read(count + 1)
    if len(values) != count:
        got = "more" if len(values) > count else f"{len(values)} bytes"
        raise DatasetError(f"{what} has {got} after the header, expected {count} bytes")
    return np.frombuffer(values, np.uint8).reshape(shape, order="F" if fortran else "C")


def _check_header(what: str, magic: bytes, header: bytes, shape: tuple[int, ...]) -> bool:
    """Whether the values are in Fortran order; raise ``DatasetError`` if the header does not match ``shape``."""
    found = HEADER.fullmatch(header.decode("latin-1"))
    if magic != MAGIC or not found:
        raise DatasetError(f"{what} does not have NumPy's header, expected a .npy of version 1.0")
    descr, fortran, sizes = found.groups()
    if descr != "|u1" or re.findall(r"\d+", sizes) != [str(size) for size in shape]:
        raise DatasetError(f"{what} is {descr} of shape ({sizes}), expected |u1 (uint8) of shape {shape}")
    return fortran == "True"
