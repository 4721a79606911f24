"""What a model says of its origin."""

from __future__ import annotations

from typing import Any

_TEXTS = ("preset", "trained_on")
_PARTS = ("encoder", "decoder", "likelihood")
_LONGEST = 300


def read_provenance(given: Any) -> dict[str, Any] | None:
    """Return what can be read of a provenance that may come from a file.

    Args:
        given: what a file or a caller says.

    Returns:
        A dict without ``preset`` and ``trained_on`` unless they are short texts, and without ``encoder``, ``decoder``
        and ``likelihood`` unless they are dicts, whose values are short texts or None; None if it is no dict.
    """
    if not isinstance(given, dict):
        return None
    kept = {key: value for key, value in given.items() if key not in (*_TEXTS, *_PARTS)}
    kept |= {key: given[key] for key in _TEXTS if key in given and _is_text(given[key])}
    for key in _PARTS:
        if isinstance(given.get(key), dict):
            kept[key] = {name: value for name, value in given[key].items() if _is_text(value)}
    return {key: kept[key] for key in given if key in kept}


def _is_text(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= _LONGEST)
