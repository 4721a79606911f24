"""Architectures by name: ``from zoo.models import residual``; ``dir(zoo.models)`` lists them, third parties' too."""

from __future__ import annotations

from zoo import registry
from zoo.errors import UnknownNameError
from zoo.specs import Architecture


def __getattr__(name: str) -> Architecture:
    if name.startswith("_"):
        raise AttributeError(f"module 'zoo.models' has no attribute {name!r}")
    try:
        return registry.architecture(name)
    except UnknownNameError as error:
        raise AttributeError(str(error)) from None


def __dir__() -> list[str]:
    return registry.list_models()
