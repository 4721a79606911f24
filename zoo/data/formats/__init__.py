"""Readers of the official file formats; whatever a file holds, nothing of it is run."""
