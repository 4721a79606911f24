"""The ``zoo`` command."""

from zoo.cli.command import main

__all__ = ["main"]
