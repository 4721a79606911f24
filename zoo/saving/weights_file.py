"""Checking the arrays in a ``.keras`` file, an HDF5 file in memory, before Keras reads them."""

from __future__ import annotations

import io

import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST_OBJECTS = 40_000
_MOST_LEVELS = 100
_MOST_ATTRIBUTES = 16
_LARGEST_ATTRIBUTE = 2**16
_KINDS = "biufcV"  # V: how HDF5 has bfloat16 and float8.


def count_bytes(weights: bytes) -> tuple[int, str | None]:
    """Return how many bytes the arrays of a file take, and why it contains more than plain arrays, or None.

    Args:
        weights: the content of an HDF5 file.

    Raises:
        Exception: whatever h5py raises if the file is damaged.
    """
    if not weights.startswith(SIGNATURE):
        raise ValueError("it does not begin as an HDF5 file does")
    with h5py.File(io.BytesIO(weights), "r") as file:
        return _count(file, len(weights))


def _count(file: h5py.File, stored: int) -> tuple[int, str | None]:
    waiting: list[tuple[str, h5py.Group, int]] = [("", file, 0)]
    seen, total, count = set(), 0, 0
    while waiting:
        where, group, level = waiting.pop()
        if level > _MOST_LEVELS:
            return total, f"nests groups more than {_MOST_LEVELS} levels deep"
        if reason := _explain_attributes(group, where):
            return total, reason
        count += len(group)
        if count > _MOST_OBJECTS:
            return total, f"has more than {_MOST_OBJECTS:,} groups and arrays"
        for name in group:
            path = f"{where}/{name}"[:100]
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                return total, f"links {path} to another place"
            item = group[name]
            if isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    return total, f"holds {path} twice"
                seen.add(address)
                waiting.append((path, item, level + 1))
                continue
            if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
                return total, f"reads {path} from elsewhere"
            if reason := _explain_array(item, path, stored) or _explain_attributes(item, path):
                return total, reason
            total += item.nbytes
            # Arrays may be laid over each other in the file.
            if total > stored:
                return total, f"claims that its arrays have {total:,} bytes, but has only {stored:,} itself"
    return total, None


def _explain_array(item: h5py.Dataset, path: str, stored: int) -> str | None:
    if item.dtype.kind not in _KINDS or item.shape is None or h5py.check_vlen_dtype(item.dtype) is not None:
        return f"has no numbers in {path}"
    if item.nbytes > stored:
        return f"claims that {path} has {item.nbytes:,} bytes, but has only {stored:,} itself"
    # Keras writes neither; a chunk of a few bytes may unpack to gigabytes.
    if item.chunks is not None or item.id.get_create_plist().get_nfilters():
        return f"stores {path} in chunks or compressed"
    if item.id.get_storage_size() != item.nbytes:
        return f"claims that {path} has {item.nbytes:,} bytes, but stores {item.id.get_storage_size():,} of them"
    return None


def _explain_attributes(item: h5py.Group | h5py.Dataset, path: str) -> str | None:
    count = h5py.h5a.get_num_attrs(item.id)
    if count > _MOST_ATTRIBUTES:
        return f"has {count:,} attributes at {path or '/'}"
    for index in range(count):
        if h5py.h5a.get_info(item.id, index=index).data_size > _LARGEST_ATTRIBUTE:
            return f"has a large attribute at {path or '/'}"
    return None
