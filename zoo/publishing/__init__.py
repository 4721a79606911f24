"""Publishing: from a finished run to a folder of trained weights with a card, and a gallery of such folders."""

from zoo.publishing.publish import publish

__all__ = ["publish"]
