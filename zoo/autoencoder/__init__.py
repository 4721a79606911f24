"""The shared trainer: an autoencoder made of any encoder and decoder."""

from zoo.autoencoder.model import AutoEncoder

__all__ = ["AutoEncoder"]
