"""Whether a name is free for an architecture and for the package that brings it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import keyword
import re
import sys
from pathlib import Path

from zoo.registry import catalogue
from zoo.registry.record import PluginRecord, canonical_name
from zoo.registry.specs import NAME_PATTERN

LONGEST = 40
# What the project installs or the zoo may run on, whether it is installed here or not.
RESERVED = frozenset({"autoencoder_zoo", "build", "hatchling", "jax", "mypy", "pytest", "ruff", "torch", "twine"})


def check_new_name(name: str) -> None:
    """Raise ``ValueError`` unless ``name`` can be that of a new architecture and of a new package.

    Args:
        name: the architecture's and the package's name.

    Raises:
        ValueError: not lower-case letters, digits and underscores, or taken; the message says by what.
    """
    # Of two names that differ in underscores alone, the packages would have one name.
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
    """Return a name that is allowed and near."""
    letters = re.sub(r"[^a-z0-9]+", "_", name.lower()).lstrip("_")[:LONGEST].rstrip("_")
    if NAME_PATTERN.fullmatch(letters) and _find_owner(letters) is None:
        return letters
    return f"my_{letters or 'ae'}"[:LONGEST]


def _find_owner(name: str) -> str | None:
    """Return what has the name already, or None."""
    if keyword.iskeyword(name):
        return "a keyword of Python"
    if name in sys.stdlib_module_names:
        return "a module of Python's standard library, which a package of that name would hide"
    if name in catalogue.list_models():
        return f"an architecture that the zoo has already ({_origin(catalogue.architecture(name).plugin)})"
    if name in catalogue.list_datasets():
        return f"a dataset that the zoo has already ({_origin(catalogue.dataset(name).plugin)})"
    place = _find_module(name)
    if place is not None:
        return f"a module that can be imported already ({place})"
    if name in RESERVED:
        return "a package that this one works with"
    try:
        version = importlib.metadata.version(canonical_name(name).strip("-"))
    except importlib.metadata.PackageNotFoundError:
        return None
    return f"a distribution that is installed already (version {version})"


def _origin(plugin: PluginRecord | None) -> str:
    return plugin.origin if plugin is not None else "of no plugin"


def _find_module(name: str) -> str | None:
    """Return the file or folder that ``import name`` would find outside the current folder, importing nothing."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None) or "it is loaded"
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or [])
    places = folders if spec.origin is None or folders else [spec.origin]
    # python -m zoo looks there too: a plugin file that is to become a package is not in its way.
    elsewhere = [place for place in places if Path(place).resolve().parent != Path.cwd().resolve()]
    return elsewhere[0] if elsewhere else None
