"""The file of compressed images: a signature, a header, the words of a stack and a checksum."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from zoo.compression.grid import LEAST_BITS, MOST_BITS
from zoo.errors import CompressionError, RunError, one_line
from zoo.files import UnfitFileError, read_bytes, replacing
from zoo.json_checks import check_count, check_counts, check_whole
from zoo.json_fields import from_json, to_json
from zoo.plain_json import parse_json

MAGIC = b"\x89ZOOc\r\n\x1a"
FORMAT = 1
MOST_BATCH = 4096
IMAGES_PER_WORD = 64  # A file is no smaller, so that a small one cannot promise work for days.
_LENGTH = struct.Struct("<I")
_CHECKSUM = 32
_MOST_HEADER = 2**16
_MOST_BYTES = 2**32
_MOST_VALUES = 2**36
_DIGEST = 64  # Hexadecimal digits.


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Args:
        format: the version of the format.
        model: the preset's name; empty if the model has none.
        weights: the SHA-256 of the model's weights and settings.
        likelihood: its name.
        image_shape: ``(height, width, channels)``.
        images: their number.
        batch: how many the networks saw at a time.
        latent_bits: the bits of a latent's bucket.
        initial_words: of the words, those that were random to begin with.
        sha256: that of the images' bytes.
        written_with: versions of the packages, and the machine.
    """

    format: Annotated[int, check_count]
    model: str
    weights: str
    likelihood: str
    image_shape: Annotated[tuple[int, int, int], check_counts]
    images: Annotated[int, check_count]
    batch: Annotated[int, check_count]
    latent_bits: Annotated[int, check_count]
    initial_words: Annotated[int, check_whole]
    sha256: str
    written_with: Mapping[str, str]

    @property
    def values(self) -> int:
        """The number of values of all images."""
        height, width, channels = self.image_shape
        return self.images * height * width * channels


def write_file(path: Path, header: Header, words: npt.NDArray[np.uint32]) -> int:
    """Write a file, atomically, and return its size in bytes."""
    text = json.dumps(to_json(header), separators=(",", ":")).encode("ascii")
    content = b"".join([MAGIC, _LENGTH.pack(len(text)), text, words.astype("<u4").tobytes()])
    content += hashlib.sha256(content).digest()
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return len(content)


def read_file(path: Path) -> tuple[Header, npt.NDArray[np.uint32]]:
    """Return the header and the words of a file that may come from elsewhere.

    Raises:
        CompressionError: it is not such a file, damaged, or promises more than it can hold.
        OSError: it cannot be read.
    """
    try:
        content = read_bytes(path, most=_MOST_BYTES, links=True)
    except UnfitFileError as error:
        raise CompressionError(f"{path}: {error}") from None
    if not content.startswith(MAGIC):
        raise CompressionError(f"{path} has not been written by zoo compress")
    start = len(MAGIC) + _LENGTH.size
    if len(content) < start + _CHECKSUM or hashlib.sha256(content[:-_CHECKSUM]).digest() != content[-_CHECKSUM:]:
        raise CompressionError(f"{path} is damaged: its checksum does not match; copy it anew")
    (length,) = _LENGTH.unpack(content[len(MAGIC) : start])
    payload = content[start + length : -_CHECKSUM]
    if length > _MOST_HEADER or start + length > len(content) - _CHECKSUM or len(payload) % 4:
        raise CompressionError(f"{path} is damaged: its parts do not have the sizes that it states")
    header = _read_header(path, content[start : start + length])
    words = np.frombuffer(payload, "<u4").astype(np.uint32)
    _check(path, header, words)
    return header, words


def _read_header(path: Path, text: bytes) -> Header:
    try:
        found = parse_json(text.decode("utf-8"))
        version = found.get("format") if isinstance(found, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise CompressionError(f"{path} has format {version}: a newer version of the zoo reads it")
        return from_json(Header, found)
    except (ValueError, RunError) as error:
        raise CompressionError(f"{path} is damaged: its header: {one_line(error)}") from None


def _check(path: Path, header: Header, words: npt.NDArray[np.uint32]) -> None:
    """Raise ``CompressionError`` unless the header's numbers are possible, and fit to the words."""
    limits: dict[str, tuple[Any, bool]] = {
        "weights": (header.weights, len(header.weights) == _DIGEST),
        "sha256": (header.sha256, len(header.sha256) == _DIGEST),
        "batch": (header.batch, header.batch <= MOST_BATCH),
        "latent_bits": (header.latent_bits, LEAST_BITS <= header.latent_bits <= MOST_BITS),
        "initial_words": (header.initial_words, header.initial_words <= len(words)),
        "images": (header.images, header.images <= IMAGES_PER_WORD * len(words) and header.values <= _MOST_VALUES),
    }
    for name, (value, possible) in limits.items():
        if not possible:
            raise CompressionError(f"{path} is damaged: its header has {name} {value!r}, which is not possible")
    if not len(words) or not words[-1]:
        raise CompressionError(f"{path} is damaged: its last word is zero")
