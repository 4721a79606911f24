"""Architectures by name: ``from zoo.models import residual``; ``dir(zoo.models)`` lists all, including third-party."""

# Underscores, so that no import hides an architecture with the same name.
from zoo.errors import UnknownNameError as _UnknownNameError
from zoo.registry import catalogue as _registry
from zoo.registry.specs import Architecture as _Architecture


def __getattr__(name: str) -> _Architecture:
    if name == "__all__":  # Evaluated at each access.
        return _registry.list_models()  # type: ignore[return-value]
    if name.startswith("_"):
        raise AttributeError(f"module 'zoo.models' has no attribute {name!r}")
    try:
        return _registry.architecture(name)
    except _UnknownNameError as error:
        raise AttributeError(str(error)) from None


def __dir__() -> list[str]:
    return _registry.list_models()
