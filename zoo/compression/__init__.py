"""Lossless compression: what the bits that a model promises for an image really are."""

from zoo.compression.compress import Compressed, compress
from zoo.compression.decompress import decompress

__all__ = ["Compressed", "compress", "decompress"]
