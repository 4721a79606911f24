"""Runs: the folders that training writes, and their content."""

from zoo.runs.run import Run

__all__ = ["Run"]
