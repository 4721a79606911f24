"""JSON from elsewhere: of bounded size and depth, with numbers that can be computed with."""

from __future__ import annotations

import json
from typing import Any, NoReturn

LARGEST_TEXT = 16 * 2**20  # Characters.
MOST_LEVELS = 32
MOST_VALUES = 1_000_000  # An empty list takes up twenty times the memory of its text.
LARGEST_NUMBER = 3.5e38  # What a float32 holds. Beyond it, sums and squares of scores would become infinite.
LARGEST_WHOLE = 2**63 - 1


def parse_json(text: str) -> Any:
    """Return the content of a JSON text.

    Raises:
        ValueError: it is not JSON, is nested too deeply, has too many values, or has a number that is not finite or
            larger than any score.
    """
    if not isinstance(text, str) or len(text) > LARGEST_TEXT:
        raise ValueError(f"expected text of at most {LARGEST_TEXT:,} characters")
    if sum(map(text.count, ",[{")) > MOST_VALUES:
        raise ValueError(f"it has more than {MOST_VALUES:,} values")
    try:
        content = json.loads(text, parse_constant=_refuse, parse_float=_read_number, parse_int=_read_whole)
    except RecursionError:
        raise _too_deep() from None
    level, depth = [content], 0
    while level := [it for value in level for it in _inner(value)]:
        depth += 1
        if depth > MOST_LEVELS:
            raise _too_deep()
    return content


def _inner(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [it for it in inner if isinstance(it, dict | list)]


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {MOST_LEVELS} levels deep")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"it has {name}: expected finite numbers")


def _read_number(text: str) -> float:
    number = float(text)
    if abs(number) > LARGEST_NUMBER:
        raise ValueError(f"it has the number {text[:30]}: expected at most {LARGEST_NUMBER:g}")
    return number


def _read_whole(text: str) -> int:
    # Python reads no number of more digits.
    number = int(text) if len(text) < 30 else LARGEST_WHOLE + 1
    if abs(number) > LARGEST_WHOLE:
        raise ValueError(f"it has the number {text[:30]}{'...' if len(text) > 30 else ''}: expected at most 2**63 - 1")
    return number
