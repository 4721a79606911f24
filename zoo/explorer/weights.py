"""The weights of a page's networks: half precision where that is enough, all in one blob."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

import numpy as np

HALF_TOLERANCE = 1e-3  # Of the largest weight of an array: rounded to half precision, weights are off by half of it.


def round_to_half(weights: np.ndarray) -> np.ndarray:
    """Return weights rounded to half precision, float32; unchanged where that loses too much, or is not finite."""
    with np.errstate(over="ignore"):
        rounded = weights.astype("float16").astype("float32")
    largest = np.abs(weights).max(initial=0.0)
    if not np.isfinite(rounded).all() or np.abs(rounded - weights).max(initial=0.0) > HALF_TOLERANCE * largest:
        return weights
    return rounded


@dataclass
class Blob:
    """Arrays of several networks, one after the other; equal ones are kept once.

    Little-endian, float16 where that is exact, float32 elsewhere.
    """

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    _known: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def add(self, array: np.ndarray) -> tuple[int, int]:
        """Return the bytes of each value, 2 or 4, and the offset of an array in the blob."""
        whole = np.ascontiguousarray(array, "<f4")
        with np.errstate(over="ignore"):
            half = whole.astype("<f2")
        content = (half if np.array_equal(half.astype("<f4"), whole, equal_nan=True) else whole).tobytes()
        key = hashlib.sha256(content).digest()
        if key not in self._known:
            self._known[key] = (len(content) // max(1, whole.size), self.add_bytes(content)[0])
        return self._known[key]

    def add_bytes(self, content: bytes) -> list[int]:
        """Add anything else; return its offset and its size."""
        start = self.size
        padding = -len(content) % 4
        self.parts.append(content + bytes(padding))
        self.size += len(content) + padding
        return [start, len(content)]

    def as_text(self) -> str:
        """Return it in base64."""
        return base64.b64encode(b"".join(self.parts)).decode("ascii")
