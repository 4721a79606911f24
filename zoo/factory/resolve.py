"""From an architecture to its builders and the class of its models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ArchitectureError
from zoo.registry.references import resolve_reference
from zoo.registry.specs import Architecture

PARTS = ("encoder", "decoder")


def resolve_part(architecture: Architecture, part: str) -> Callable[..., Any]:
    """Return an architecture's ``encoder``, ``decoder`` or ``autoencoder``; else ``ArchitectureError``."""
    reference = getattr(architecture, part)
    try:
        return resolve_reference(reference)
    except (Exception, SystemExit) as error:
        what = f"{part} builder" if part in PARTS else part
        raise ArchitectureError(
            f"{describe(architecture)}: {what} {reference!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def autoencoder_class(architecture: Architecture) -> type[AutoEncoder]:
    """Return the class of an architecture's models; ``ArchitectureError`` if it is no ``AutoEncoder``."""
    if architecture.autoencoder is None:
        return AutoEncoder
    cls = resolve_part(architecture, "autoencoder")
    if not isinstance(cls, type) or not issubclass(cls, AutoEncoder):
        raise ArchitectureError(
            f"{describe(architecture)}: autoencoder is {cls!r}: expected a subclass of zoo.AutoEncoder"
        )
    return cls


def describe(architecture: Architecture) -> str:
    """Return what messages call an architecture: its name and its plugin's."""
    plugin = architecture.plugin
    return f"architecture {architecture.name}" + (f" of plugin {plugin.name}" if plugin else "")
