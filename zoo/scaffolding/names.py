"""Checks that a name is free for an architecture and for the package that provides it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import keyword
import re
import sys
from pathlib import Path

from zoo.registry import catalogue
from zoo.registry.fields import NAME_PATTERN
from zoo.registry.record import PluginRecord, canonical_name

LONGEST = 40
# Packages that the project installs or the zoo may run on, whether installed here or not.
RESERVED = frozenset({"autoencoder_zoo", "build", "hatchling", "jax", "mypy", "pytest", "ruff", "torch", "twine"})


def check_new_name(name: str) -> None:
    """Raise ``ValueError`` unless ``name`` can name a new architecture and a new package.

    Args:
        name: the name of the architecture and the package.

    Raises:
        ValueError: the name is not lower-case letters, digits and underscores, or is taken; the message says by what.
    """
    # Names that differ only in the number of underscores would lead to the same package name.
    if not NAME_PATTERN.fullmatch(name) or len(name) > LONGEST or name.endswith("_") or "__" in name:
        shown = name if len(name) <= LONGEST else name[:LONGEST] + "..."
        raise ValueError(
            f"the name {shown!r}: expected at most {LONGEST} lower-case letters, digits and, between them, single "
            f"underscores, beginning with a letter, such as {_suggest(name)}"
        )
    owner = _find_owner(name)
    if owner is not None:
        raise ValueError(f"the name {name!r} is {owner}: choose another one, such as {_suggest('my_' + name)}")


def _suggest(name: str) -> str:
    """Return a similar name that is allowed."""
    letters = re.sub(r"[^a-z0-9]+", "_", name.lower()).lstrip("_")[:LONGEST].rstrip("_")
    if NAME_PATTERN.fullmatch(letters) and _find_owner(letters) is None:
        return letters
    return f"my_{letters or 'ae'}"[:LONGEST]


def _find_owner(name: str) -> str | None:
    """Return what already has the name, or None."""
    if keyword.iskeyword(name):
        return "a keyword of Python"
    if name in sys.stdlib_module_names:
        return "a module of Python's standard library, which a package of that name would hide"
    if name in catalogue.list_models():
        return f"taken by an architecture of the zoo ({_origin(catalogue.architecture(name).plugin)})"
    if name in catalogue.list_datasets():
        return f"taken by a dataset of the zoo ({_origin(catalogue.dataset(name).plugin)})"
    place = _find_module(name)
    if place is not None:
        return f"taken by an importable module ({place})"
    if name in RESERVED:
        return "a package that this one works with"
    try:
        version = importlib.metadata.version(canonical_name(name).strip("-"))
    except importlib.metadata.PackageNotFoundError:
        return None
    return f"taken by an installed distribution (version {version})"


def _origin(plugin: PluginRecord | None) -> str:
    return plugin.origin if plugin is not None else "without a plugin"


def _find_module(name: str) -> str | None:
    """Return the file or folder that ``import name`` would find outside the current folder, without importing it."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None) or "it is loaded"
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or [])
    places = folders if spec.origin is None or folders else [spec.origin]
    # python -m zoo also searches the current folder; a plugin file there may be about to become the package.
    elsewhere = [place for place in places if Path(place).resolve().parent != Path.cwd().resolve()]
    return elsewhere[0] if elsewhere else None
