"""Runs: the folders that trainings write, and what is in them."""

from zoo.runs.run import Run

__all__ = ["Run"]
