"""Readers of the official file formats; nothing in a file is ever executed."""
