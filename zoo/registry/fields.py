"""Checks of the fields of what plugins provide."""

from __future__ import annotations

import math
import numbers
import re
import reprlib
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

LONGEST_NAME = 200
LONGEST_TEXT = 1000  # Characters of a text that tables show.
DEEPEST = 20  # Levels of lists and dicts in an option's value.
MOST_VALUES = 10_000  # Values in an option's value.
NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
# A module of Python's import path, or a file next to the plugin's own.
REFERENCE_PATTERN = re.compile(r"(?:[A-Za-z_][\w.]*|[^\n]+\.py):[A-Za-z_]\w*")


def check_name(name: object, what: str) -> str:
    """Return ``name``, or raise ``ValueError`` unless it matches ``^[a-z][a-z0-9_]*$``."""
    if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name):
        raise ValueError(
            f"{what} name {shorten(name)}: expected lower-case letters, digits and underscores, beginning with a letter"
        )
    if len(name) > LONGEST_NAME:
        raise ValueError(f"{what} name {shorten(name)}: expected at most {LONGEST_NAME} characters, as folders have it")
    return str.__str__(name)


def check_shape(shape: object, what: str, rank: int | None = None) -> tuple[int, ...]:
    """Return ``shape`` as a tuple of ``rank`` positive ints (None: any number), or raise ``ValueError``."""
    sizes = tuple(shape) if isinstance(shape, list | tuple) else ()
    if not sizes or not all(map(_is_size, sizes)) or rank not in (None, len(sizes)):
        example = "(height, width, channels), such as (28, 28, 1)" if rank == 3 else "positive ints, such as (16,)"
        raise ValueError(f"{what} {shape!r}: expected {example}")
    return tuple(int(n) for n in sizes)


def _is_size(number: object) -> bool:
    return isinstance(number, numbers.Integral) and not isinstance(number, bool) and int(number) > 0


def check_text(value: object, what: str) -> str:
    """Return ``value`` as plain text, or raise ``ValueError`` unless it is text that can be printed."""
    if not isinstance(value, str):
        raise ValueError(f"{what} is {shorten(value)}: expected one line of text")
    if len(value) > LONGEST_TEXT or not _is_encodable(value):
        raise ValueError(
            f"{what} is {shorten(value)}: expected at most {LONGEST_TEXT:,} characters, all of which UTF-8 has"
        )
    return str.__str__(value)


def _is_encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def shorten(value: object) -> str:
    """Return a value for a message, as Python writes it, but not all of it if it is long."""
    try:
        return reprlib.repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # Whatever its class does; Python does not write integers of over 4,300 digits.
        return f"a {type(value).__name__}"


def as_plain_values(value: Any, what: str) -> Any:
    """Return a copy of plain values, such as YAML holds.

    Args:
        value: None, a bool, a number, text, or lists, tuples and dicts of these.
        what: its name in messages.

    Raises:
        ValueError: it is something else, infinite or NaN, nested over ``DEEPEST`` levels, or there are over
            ``MOST_VALUES`` values; what cannot be copied and stored would break whatever shows the option.
    """
    return _copy_plain(value, what, [MOST_VALUES], DEEPEST)


def copy_options(options: object, what: str, latent: Collection[str]) -> dict[str, Any]:
    """Return a copy of options and their values, or raise ``ValueError`` unless they are plain.

    Args:
        options: the values by name.
        what: their name in messages.
        latent: the options for the latent's size, which may be functions.
    """
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise ValueError(f"{what} is {shorten(options)}: expected a dict of options")
    return {
        check_text(key, f"{what}: an option"): (
            value if key in latent and callable(value) else as_plain_values(value, f"{what}: {key}")
        )
        for key, value in options.items()
    }


def _copy_plain(value: Any, what: str, left: list[int], depth: int) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise ValueError(f"{what} has over {MOST_VALUES:,} values, or over {DEEPEST} levels of them: expected fewer")
    if value is None or type(value) is bool:
        return value
    if isinstance(value, str):
        return check_text(value, what)
    if isinstance(value, numbers.Integral):
        if -(2**63) <= (number := int(value)) < 2**64:
            return number
    elif isinstance(value, numbers.Real) and math.isfinite(real := float(value)):
        return real
    if type(value) in (list, tuple):
        return type(value)(_copy_plain(item, what, left, depth - 1) for item in value)
    if isinstance(value, Mapping):
        return {
            _copy_plain(key, f"a key of {what}", left, 0): _copy_plain(item, what, left, depth - 1)
            for key, item in value.items()
        }
    raise ValueError(
        f"{what} is {shorten(value)}: expected plain values as in YAML: finite numbers, text, true or false, null, and "
        "lists and dicts of these; create other objects from them in the builder"
    )


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
    value: Mapping[int, Mapping[str, Any]], defaults: Mapping[str, Any], what: str, latent: Collection[str]
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
    return MappingProxyType(
        {size: MappingProxyType(copy_options(value[size], f"{what}[{size}]", latent)) for size in sorted(value)}
    )
