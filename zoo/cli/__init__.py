"""The command ``zoo``."""

from zoo.cli.command import main

__all__ = ["main"]
