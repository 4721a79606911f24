"""Decoded images of folders, kept as files that are mapped into memory: an entry for each folder and shape."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import re
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.data.decoding import LeftOut, Shape, decode_files
from zoo.data.image_files import Changes, check_memory
from zoo.data.mapped import in_blocks, release
from zoo.environment import keras_home
from zoo.errors import DatasetError
from zoo.files import making_folder, read_json, write_json
from zoo.progress import show_progress

logger = logging.getLogger("zoo")
VARIABLE = "ZOO_CACHE"
FORMAT = 1
REPORTS = "reports"  # The folder of what reports keep, which is listed and removed as an entry.
_PIXELS, _RECORD = "pixels", "entry.json"
_BLOCK = 2**24  # Bytes of a checksum.
_CHECKED = 16  # Blocks that are compared with their checksums when an entry is opened, the first and the last included.
_GIGABYTE = 1e9
_NAME = re.compile(r"[\w.-]+-\d+x\d+x\d+-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True)
class Images:
    """The images of a folder.

    Args:
        images: uint8, of shape ``(N, height, width, channels)``; those of an entry are mapped, and read-only.
        left_out: the numbers of the files that cannot be read, and why.
        changes: what was changed of the others.
    """

    images: npt.NDArray[np.uint8]
    left_out: LeftOut
    changes: Changes


@dataclass(frozen=True)
class Entry:
    """What the cache has of a folder.

    Args:
        name: the entry's own name.
        folder: the folder of images; empty if the entry is damaged.
        images: the number of images.
        size: bytes on disk.
    """

    name: str
    folder: str
    images: int
    size: int


def cache_folder() -> Path:
    """Return the folder of the cache: ``$ZOO_CACHE``, or by default ``zoo/cache`` in Keras' own folder."""
    given = os.environ.get(VARIABLE)
    return Path(given).expanduser() if given else keras_home() / "zoo" / "cache"


def read_through_cache(root: Path, names: Sequence[str], image_shape: Shape, key: str) -> Images:
    """Return a folder's images from its entry, which is made if there is none, or an older or a damaged one.

    Args:
        root: the folder.
        names: the paths of its image files, in the order of the images.
        image_shape: ``(height, width, channels)``.
        key: a digest of all that the images depend on: an entry with another one is out of date.

    Raises:
        OSError: the cache cannot be written.
        DatasetError: the disk has too little space, or the number of channels is not supported.
    """
    path = cache_folder() / _entry_name(root, image_shape)
    found = _open(path, image_shape, key)
    if found is not None:
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    needed, free = math.prod(image_shape) * len(names), shutil.disk_usage(path.parent).free
    if needed > free:
        raise DatasetError(
            f"{root}: {len(names):,} images of shape {image_shape} do not fit into the cache: choose a smaller shape "
            f"or fewer images, or set {VARIABLE} to a folder with more space (they need {needed / _GIGABYTE:,.1f} GB, "
            f"and {path.parent} has {free / _GIGABYTE:,.1f} GB)"
        )
    check_memory(str(root), 1, image_shape)
    with _replacing_entry(path) as made, show_progress(f"decoding {root}", len(names), True) as advance:
        left_out, changes = decode_files(root, names, image_shape, made / _PIXELS, advance)
        count = _close_gaps(made / _PIXELS, [number for number, _ in left_out], len(names), image_shape)
        flat = _map(made / _PIXELS, (count * math.prod(image_shape),))
        sums = [zlib.crc32(block.data) for block in in_blocks(flat, _BLOCK)]
        record = {
            "format": FORMAT, "folder": str(root), "key": key, "images": count, "shape": image_shape,
            "left_out": left_out, "changes": changes.to_json(), "sums": sums,
        }  # fmt: skip
        write_json(made / _RECORD, record)
    logger.warning(
        "%s: %s decoded images are kept in %s (%.1f GB); zoo cache lists and removes such entries",
        *(root, f"{count:,}", path, needed / _GIGABYTE),
    )
    opened = _open(path, image_shape, key)
    if opened is None:
        raise OSError(None, "what was written there cannot be read back", str(path))
    return opened


def list_entries() -> list[Entry]:
    """List what the cache has, sorted by name."""
    found = []
    for path in _entries():
        try:
            record = read_json(path / _RECORD)
            folder, images = str(record["folder"]), int(record["images"])
        except (OSError, ValueError, LookupError, TypeError):
            folder, images = "(pages of reports)" if path.name == REPORTS else "", 0
        size = sum(it.stat().st_size for it in path.iterdir() if it.is_file())
        found.append(Entry(path.name, folder, images, size))
    return found


def remove_entry(name: str) -> None:
    """Remove an entry; a process that has it mapped may go on reading it, except on Windows.

    Raises:
        ValueError: the cache has no such entry.
    """
    path = next((it for it in _entries() if it.name == name), None)
    if path is None:
        raise ValueError(f"{name!r} is no entry of the cache in {cache_folder()}: zoo cache lists them")
    shutil.rmtree(path)


def _entries() -> list[Path]:
    """Return the folders of the cache that are entries, or left behind by a process that was killed."""
    try:
        paths = sorted(cache_folder().iterdir())
    except OSError:
        return []
    named = [it for it in paths if it.name == REPORTS or _NAME.match(it.name.lstrip("."))]
    return [it for it in named if it.is_dir() and not it.is_symlink()]


def _entry_name(root: Path, image_shape: Shape) -> str:
    shape = "x".join(map(str, image_shape))
    digest = hashlib.sha256(f"{os.fspath(root)}\n{shape}".encode("utf-8", "surrogateescape")).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9_.]', '_', root.name)[:40].lstrip('.') or 'images'}-{shape}-{digest[:12]}"


def _open(path: Path, image_shape: Shape, key: str) -> Images | None:
    """Return what an entry holds; None if there is none, or it is out of date or damaged."""
    try:
        record = read_json(path / _RECORD)
        if record["format"] != FORMAT or record["key"] != key:
            return None
        count, sums = int(record["images"]), list(record["sums"])
        left_out = [(int(number), str(reason)) for number, reason in record["left_out"]]
        changes = Changes.from_json(record["changes"])
        images = _map(path / _PIXELS, (count, *image_shape))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError):
        logger.warning("%s is damaged and is made again", path)
        return None
    if not _matches(images, sums):
        logger.warning("%s is damaged and is made again", path)
        return None
    return Images(images, left_out, changes)


def _map(file: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    if file.stat().st_size != math.prod(shape):
        raise ValueError(f"{file} has another size than {shape}")
    if not shape[0]:  # Nothing cannot be mapped.
        return np.empty(shape, np.uint8)
    return np.memmap(file, np.uint8, "r", shape=shape)


def _matches(images: npt.NDArray[np.uint8], sums: list[Any]) -> bool:
    """Return whether blocks spread evenly over an entry have their checksums."""
    flat = images.reshape(-1)
    blocks = -(-len(flat) // _BLOCK)
    if len(sums) != blocks:
        return False
    looked = np.unique(np.linspace(0, max(0, blocks - 1), min(blocks, _CHECKED)).astype(int)).tolist()
    same = all(zlib.crc32(flat[it * _BLOCK : (it + 1) * _BLOCK].data) == sums[it] for it in looked)
    release(images)
    return same


def _close_gaps(file: Path, gaps: list[int], count: int, image_shape: Shape) -> int:
    """Move images to where none could be read before them, and return how many there are."""
    if not gaps:
        return count
    size = math.prod(image_shape)
    left = count - len(gaps)
    kept = np.delete(np.arange(count), gaps)
    if left:
        images = np.memmap(file, np.uint8, "r+", shape=(count, *image_shape))
        rows = max(1, _BLOCK // size)
        for start in range(0, left, rows):
            part = kept[start : start + rows]
            images[start : start + len(part)] = images[part]
        images.flush()
        del images
    with file.open("r+b") as pixels:
        pixels.truncate(left * size)
    return left


@contextmanager
def _replacing_entry(path: Path) -> Iterator[Path]:
    """Yield a folder to fill, which then replaces an entry; if another process has made it meanwhile, it stays."""
    shutil.rmtree(path, ignore_errors=True)
    try:
        with making_folder(path) as made:
            yield made
    except OSError:
        if not (path / _RECORD).exists():
            raise
