"""Importing an architecture's builders and the class of its models, each once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ArchitectureError, one_line
from zoo.registry.references import resolve_reference
from zoo.registry.signatures import GIVEN, PARTS, check_signature
from zoo.registry.specs import LATENT_OPTIONS, Architecture

LABELS = "labels"


@dataclass(frozen=True)
class Builder:
    """A function that builds an encoder or a decoder.

    Args:
        part: ``encoder`` or ``decoder``.
        function: the function.
        parameters: its parameters, by name.
        options: the names of the options that reach it, except the latent's size.
        takes_labels: whether it has a parameter ``labels``, for the vectors of a conditional model's labels.
    """

    part: str
    function: Callable[..., Any]
    parameters: Mapping[str, inspect.Parameter]
    options: frozenset[str]
    takes_labels: bool


@dataclass(frozen=True)
class Resolved:
    """An architecture with its references imported.

    Args:
        architecture: the architecture.
        encoder: its encoder's builder.
        decoder: its decoder's builder.
        model_class: the class of its models.
    """

    architecture: Architecture
    encoder: Builder
    decoder: Builder
    model_class: type[AutoEncoder]

    @property
    def options(self) -> frozenset[str]:
        """The names of the options that reach a builder, except the latent's size."""
        return self.encoder.options | self.decoder.options


def resolve(architecture: Architecture) -> Resolved:
    """Import an architecture's builders and the class of its models.

    Raises:
        ArchitectureError: one cannot be imported or has the wrong type, or a builder cannot be called as the zoo does,
            or has a parameter with the name of one of the zoo's own settings.
    """
    encoder, decoder = (_resolve_builder(architecture, part) for part in PARTS)
    return Resolved(architecture, encoder, decoder, resolve_class(architecture))


def resolve_class(architecture: Architecture) -> type[AutoEncoder]:
    """Return the class of an architecture's models; raise ``ArchitectureError`` if it is not an ``AutoEncoder``."""
    if architecture.autoencoder is None:
        return AutoEncoder
    cls = _import(architecture, "autoencoder", "autoencoder")
    if not isinstance(cls, type) or not issubclass(cls, AutoEncoder):
        raise ArchitectureError(
            f"{describe(architecture)}: autoencoder is {cls!r}: expected a subclass of zoo.AutoEncoder"
        )
    return cls


def _resolve_builder(architecture: Architecture, part: str) -> Builder:
    function = _import(architecture, part, f"{part} builder")
    parameters = check_signature(function, part, describe(architecture))
    names: set[str] = set()
    for name, parameter in parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            names.update(architecture.defaults)
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            names.add(name)
    takes_labels = LABELS in parameters and LABELS not in architecture.defaults
    if takes_labels:
        names.discard(LABELS)
    return Builder(part, function, parameters, frozenset(names.difference(GIVEN, LATENT_OPTIONS)), takes_labels)


def _import(architecture: Architecture, field: str, what: str) -> Callable[..., Any]:
    reference = getattr(architecture, field)
    try:
        return resolve_reference(reference)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise ArchitectureError(
            f"{describe(architecture)}: {what} {reference!r} cannot be imported: {reason}"
        ) from error


def describe(architecture: Architecture) -> str:
    """Return an architecture's name in messages, with its plugin's name."""
    plugin = architecture.plugin
    return f"architecture {architecture.name}" + (f" of plugin {plugin.name}" if plugin else "")
