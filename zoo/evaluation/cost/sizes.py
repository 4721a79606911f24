"""Tensor sizes, for counting operations."""

from __future__ import annotations

import math
from typing import Any


class UncountableError(Exception):
    """A computation whose operations cannot be counted before it runs."""


def product(sizes: Any) -> int:
    """Return the product of sizes.

    Raises:
        UncountableError: a size is unknown.
    """
    sizes = tuple(sizes)
    if None in sizes:
        raise UncountableError
    return math.prod(int(size) for size in sizes)
