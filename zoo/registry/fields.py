"""Checks of the fields of what plugins provide."""

from __future__ import annotations

import numbers
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
# A module of Python's import path, or a file next to the plugin's own.
REFERENCE_PATTERN = re.compile(r"(?:[A-Za-z_][\w.]*|[^\n]+\.py):[A-Za-z_]\w*")


def check_name(name: object, what: str) -> str:
    """Return ``name``, or raise ``ValueError`` unless it matches ``^[a-z][a-z0-9_]*$``."""
    if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name):
        raise ValueError(
            f"{what} name {name!r}: expected lower-case letters, digits and underscores, beginning with a letter"
        )
    return name


def check_shape(shape: object, what: str, rank: int | None = None) -> tuple[int, ...]:
    """Return ``shape`` as a tuple of ``rank`` positive ints (None: any number), or raise ``ValueError``."""
    sizes = tuple(shape) if isinstance(shape, list | tuple) else ()
    if not sizes or not all(map(_is_size, sizes)) or rank not in (None, len(sizes)):
        example = "(height, width, channels), such as (28, 28, 1)" if rank == 3 else "positive ints, such as (16,)"
        raise ValueError(f"{what} {shape!r}: expected {example}")
    return tuple(int(n) for n in sizes)


def _is_size(number: object) -> bool:
    return isinstance(number, numbers.Integral) and not isinstance(number, bool) and int(number) > 0


def check_text(value: object, what: str) -> None:
    """Raise ``ValueError`` unless ``value`` is text."""
    if not isinstance(value, str):
        raise ValueError(f"{what} is {value!r}: expected one line of text")


def check_versions(value: object, what: str) -> None:
    """Raise ``ValueError`` unless ``value`` describes versions of a package."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(value if isinstance(value, str) else "not text")
    except InvalidSpecifier:
        raise ValueError(f"{what} is {value!r}: expected versions such as '>=0.1,<1'") from None


def check_reference(value: str | Callable[..., Any], what: str) -> None:
    """Raise ``ValueError`` unless ``value`` is a function or a class, or names one."""
    if callable(value) or (isinstance(value, str) and REFERENCE_PATTERN.fullmatch(value)):
        return
    raise ValueError(f"{what} is {value!r}: expected 'module:function', 'file.py:function' or the function itself")


Pattern = tuple[int | None, int | None, int | None]


def check_patterns(value: object, what: str) -> tuple[Pattern, ...] | None:
    """Return shapes of images, in which None stands for any size, as tuples; raise ``ValueError`` for others."""
    if value is None:
        return None
    listed = tuple(value) if isinstance(value, list | tuple) else ()
    for shape in listed:
        known = tuple(shape) if isinstance(shape, list | tuple) else ()
        if len(known) != 3 or not all(size is None or _is_size(size) for size in known):
            listed = ()
    if not listed:
        raise ValueError(
            f"{what} is {value!r}: expected shapes (height, width, channels), with None for any, such as "
            "((32, 32, None), (64, 64, None))"
        )
    return tuple((shape[0], shape[1], shape[2]) for shape in listed)


def fits(shape: tuple[int | None, ...], pattern: Pattern) -> bool:
    """Whether an image's shape is one of a pattern's; None in it stands for an unknown size, which fits."""
    return all(size is None or wanted is None or size == wanted for size, wanted in zip(shape, pattern, strict=True))


def show_patterns(patterns: tuple[Pattern, ...]) -> str:
    """Return shapes of images as text, such as ``32 x 32 (any channels) or 64 x 64 x 3``."""
    return " or ".join(map(_show, patterns))


def _show(pattern: Pattern) -> str:
    height, width, channels = ("any" if size is None else str(size) for size in pattern)
    size = "any size" if height == width == "any" else f"{height} x {width}"
    if pattern[2] is None:
        return f"{size} (any channels)"
    return f"{size} x {channels}" if size != "any size" else f"any size with {channels} channels"


def check_size_defaults(
    value: Mapping[int, Mapping[str, Any]], defaults: Mapping[str, Any], what: str
) -> Mapping[int, Mapping[str, Any]]:
    """Return values of options by size, the smallest first; ``ValueError`` unless they are values of ``defaults``."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is {value!r}: expected a dict from a number of pixels to a dict of options")
    for size, options in value.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1 or not isinstance(options, Mapping):
            raise ValueError(f"{what} has {size!r}: {options!r}: expected a number of pixels and a dict of options")
        unknown = sorted(map(str, set(options) - set(defaults)))
        if unknown:
            raise ValueError(
                f"{what}[{size}] has {unknown[0]!r}, which is not in defaults: expected options of defaults"
            )
    return MappingProxyType({size: MappingProxyType(dict(value[size])) for size in sorted(value)})
