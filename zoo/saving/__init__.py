"""Loading saved models."""

from zoo.saving.load import load_model

__all__ = ["load_model"]
