"""Conversion of dataclasses from JSON and back, with each value checked against the type of its field."""

from __future__ import annotations

import dataclasses
import reprlib
import types
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from zoo.errors import RunError
from zoo.json_checks import MOST_ENTRIES, check_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Found = TypeVar("Found", bound="DataclassInstance")
_LEFT_OUT = "left out"
_LONG = ("error",)  # The only text that may be of any length: it is cut where it is shown.
_PLAIN: dict[Any, tuple[type | tuple[type, ...], str]] = {
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    str: (str, "text"),
}


def optional(default: Any) -> Any:
    """Return a field that is left out of JSON if it has its default value."""
    return dataclasses.field(default=default, metadata={_LEFT_OUT: True})


def is_optional(field: dataclasses.Field[Any]) -> bool:
    """Return whether JSON may lack a field, because it has a default."""
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def to_json(content: DataclassInstance) -> dict[str, Any]:
    """Return a dataclass as plain data for JSON."""
    values = [(field, getattr(content, field.name)) for field in dataclasses.fields(content)]
    return {
        field.name: _to_plain(value)
        for field, value in values
        if not (field.metadata.get(_LEFT_OUT) and value == field.default)
    }


def from_json(kind: type[Found], data: object, where: str = "") -> Found:
    """Return a dataclass made from plain data; keys without a field are ignored.

    Args:
        kind: the dataclass.
        data: a mapping.
        where: its path in messages; empty at the top level.

    Raises:
        RunError: a field is missing or has the wrong type.
    """
    if not isinstance(data, Mapping):
        raise RunError(f"{where or 'its content'} is {reprlib.repr(data)}: expected a mapping")
    values = {}
    for field in dataclasses.fields(kind):
        name = f"{where}.{field.name}" if where else field.name
        if field.name in data:
            values[field.name] = _read(_types(kind)[field.name], data[field.name], name)
        elif not is_optional(field):
            raise RunError(f"{name} is missing")
    return kind(**values)


@lru_cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _read(kind: Any, value: object, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is Annotated:  # A type, and functions that check what a type does not say.
        read = _read(arguments[0], value, where)
        for check in arguments[1:]:
            check(read, where)
        return read
    if origin in (Union, types.UnionType):
        others = [other for other in arguments if other is not type(None)]
        return None if value is None and len(others) < len(arguments) else _read(others[0], value, where)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return from_json(kind, value, where)
    if origin is Literal:
        if value in arguments:
            return value
        raise RunError(f"{where} is {reprlib.repr(value)}: expected {' or '.join(map(repr, arguments))}")
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise RunError(f"{where} is {reprlib.repr(value)}: expected a mapping")
        if len(value) > MOST_ENTRIES:
            raise RunError(f"{where} has {len(value):,} entries: expected at most {MOST_ENTRIES:,}")
        for key in value:
            check_text(key, f"a name in {where}")
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is tuple:
        return _read_list(arguments, value, where)
    expected, name = _PLAIN[kind]
    if not isinstance(value, expected) or (isinstance(value, bool) and kind is not bool):
        raise RunError(f"{where} is {reprlib.repr(value)}: expected {name}")
    if isinstance(value, str) and where not in _LONG:
        check_text(value, where)
    return value


def _read_list(arguments: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    """Return a list as a tuple: of any length if the type ends in ``...``, else of the type's length."""
    open_end = arguments[-1] is Ellipsis
    if isinstance(value, list | tuple) and len(value) > MOST_ENTRIES:
        raise RunError(f"{where} has {len(value):,} entries: expected at most {MOST_ENTRIES:,}")
    if not isinstance(value, list | tuple) or (not open_end and len(value) != len(arguments)):
        expected = "a list" if open_end else f"a list of {len(arguments)}"
        raise RunError(f"{where} is {reprlib.repr(value)}: expected {expected}")
    kinds = [arguments[0]] * len(value) if open_end else arguments
    pairs = zip(kinds, value, strict=True)
    return tuple(_read(kind, item, f"{where}[{number}]") for number, (kind, item) in enumerate(pairs))


def _to_plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_json(value)
    if isinstance(value, Mapping):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    return value
