"""From a name to a compiled model."""

from zoo.factory.create import create_model

__all__ = ["create_model"]
