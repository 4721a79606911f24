"""References to functions and classes by name, ``"module:function"``, imported when they are needed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

from zoo.startup import without_messages

REFERENCE_PATTERN = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def resolve_reference(reference: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return the callable that ``"module:function"`` names, or the callable itself.

    Raises:
        ImportError: there is no such module.
        AttributeError: the module has no such function.
        TypeError: the reference names something that is not callable.
    """
    if callable(reference):
        return reference
    module, _, name = reference.partition(":")
    with without_messages():
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    if not callable(found):
        raise TypeError(f"{reference} is {found!r}: expected a function")
    return found
