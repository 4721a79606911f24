"""Training: from a recipe to a run folder."""

from zoo.runs.run import Run
from zoo.training.resuming import resume
from zoo.training.session import train

__all__ = ["Run", "resume", "train"]
