"""Building compiled models by name."""

from zoo.factory.create import create_model

__all__ = ["create_model"]
