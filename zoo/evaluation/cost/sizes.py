"""Sizes of tensors whose operations are counted."""

from __future__ import annotations

import math
from typing import Any


class UncountableError(Exception):
    """Something in a computation whose operations cannot be told before it runs."""


def product(sizes: Any) -> int:
    """Return the product of sizes.

    Raises:
        UncountableError: a size is not known.
    """
    sizes = tuple(sizes)
    if None in sizes:
        raise UncountableError
    return math.prod(int(size) for size in sizes)
