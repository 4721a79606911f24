"""The shared model and trainer: an autoencoder made from any encoder and decoder."""

from zoo.autoencoder.model import AutoEncoder

__all__ = ["AutoEncoder"]
