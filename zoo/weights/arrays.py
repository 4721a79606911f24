"""``model.safetensors``: arrays by name, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from zoo.errors import ModelLoadError

MOST_ARRAYS, MOST_AXES, LONGEST_NAME = 20_000, 8, 500
SMALLEST = 4096  # Values of an array that is rounded.
# The file's names of the types that a model of the zoo has. Others, such as quantised ones, would be cast in silence.
_TYPES = {
    "F16": np.float16, "F32": np.float32, "F64": np.float64, "I8": np.int8, "I16": np.int16, "I32": np.int32,
    "I64": np.int64, "U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "U64": np.uint64, "BOOL": np.bool_,
}  # fmt: skip


def read_arrays(content: bytes, where: object) -> dict[str, np.ndarray]:
    """Return the arrays of a file.

    Args:
        content: the content of the file; all arrays together take no more memory than it.
        where: the file, for messages.

    Raises:
        ModelLoadError: it is damaged: the header is no JSON, or claims more than there is, or arrays overlap, or leave
            gaps; an array is of another kind than those of models, or has values that are not finite.
    """
    try:
        # The library checks that the arrays are all of the file, one after the other.
        listed = deserialize(content)  # type: ignore[no-untyped-call]
    except (SafetensorError, ValueError, OverflowError, MemoryError) as error:
        raise ModelLoadError(f"{where}: not a whole safetensors file: {str(error)[:200]}") from None
    if len(listed) > MOST_ARRAYS:
        raise ModelLoadError(f"{where}: it has {len(listed):,} arrays: expected at most {MOST_ARRAYS:,}")
    return {name: _read(name, described, where) for name, described in listed}


def _read(name: str, described: Mapping[str, object], where: object) -> np.ndarray:
    shape, data = described["shape"], described["data"]
    assert isinstance(shape, list)
    assert isinstance(data, bytes | bytearray)
    kind = _TYPES.get(str(described["dtype"]))
    shown = f"{name[:100]!r}"
    if len(name) > LONGEST_NAME:
        raise ModelLoadError(f"{where}: an array's name has {len(name):,} characters: expected at most {LONGEST_NAME}")
    if kind is None:
        raise ModelLoadError(f"{where}: {shown} is of type {described['dtype']}: expected one of {', '.join(_TYPES)}")
    if len(shape) > MOST_AXES or math.prod(shape) * np.dtype(kind).itemsize != len(data):
        raise ModelLoadError(f"{where}: {shown} has the shape {str(shape)[:100]} and {len(data):,} bytes: they differ")
    array: np.ndarray = np.frombuffer(data, kind).reshape(shape)
    if not np.isfinite(array).all():
        raise ModelLoadError(f"{where}: {shown} has values that are NaN or infinite: train again, or use other weights")
    return array


def write_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as the content of a safetensors file; the same arrays give the same bytes."""
    # The format is little-endian, whatever the machine.
    return save({name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}, {"format": "zoo"})


def round_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """Return arrays with their real numbers as float16, or None if one of these is too large for it.

    Small arrays stay as they are: they take no room, and those of the last layer decide about each pixel.
    """
    rounded = {}
    for name, array in arrays.items():
        if array.dtype.kind == "f" and array.size >= SMALLEST:
            with np.errstate(over="ignore"):
                half = array.astype(np.float16)
            if not np.isfinite(half).all():
                return None
            rounded[name] = half
        else:
            rounded[name] = array
    return rounded
