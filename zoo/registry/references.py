"""References to functions and classes by name, ``"module:function"``, imported when they are needed."""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from zoo.registry.import_file import import_file, name_of_file
from zoo.registry.isolation.calls import describe_changes, undisturbed
from zoo.startup import without_messages


def resolve_reference(reference: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return the callable that ``"module:function"`` or ``"file.py:function"`` names, or the callable itself.

    Raises:
        ImportError: there is no such module.
        PluginLoadError: there is no such file.
        AttributeError: the module has no such function.
        TypeError: the reference names something that is not callable.
    """
    if callable(reference):
        return reference
    changes = list[str]()
    with contextlib.ExitStack() as guards:
        guards.enter_context(without_messages())
        if not is_imported(reference):
            changes = guards.enter_context(undisturbed(seeds=True))
        found: Callable[..., Any] = getattr(import_module(reference), reference.rpartition(":")[2])
    told = describe_changes(changes)
    if told:
        warnings.warn(f"the import of {reference.rpartition(':')[0]} {told}", stacklevel=2)
    if not callable(found):
        raise TypeError(f"{reference} is {found!r}: expected a function")
    return found


def import_module(reference: str) -> ModuleType:
    """Return the module, or the file's module, that a reference names."""
    module = reference.rpartition(":")[0]
    return import_file(Path(module)) if _is_file(reference) else importlib.import_module(module)


def is_imported(reference: str | Callable[..., Any]) -> bool:
    """Whether the module that a reference names has been imported."""
    if callable(reference):
        return True
    module = reference.rpartition(":")[0]
    if not _is_file(reference):
        return module in sys.modules
    return Path(module).is_file() and name_of_file(Path(module)) in sys.modules


def locate(reference: Any, folder: Path | None) -> Any:
    """Return a reference to a file as one by its full path: what is not absolute is relative to ``folder``."""
    if not isinstance(reference, str) or not _is_file(reference) or folder is None:
        return reference
    file, _, name = reference.rpartition(":")
    return f"{(folder / file).resolve()}:{name}"


def _is_file(reference: str) -> bool:
    return reference.rpartition(":")[0].endswith(".py")
