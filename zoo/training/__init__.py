"""Training: from a recipe to a run folder."""

from zoo.startup import start_keras

start_keras()  # Before the modules that import it.

from zoo.runs.run import Run
from zoo.training.resuming import resume
from zoo.training.session import train

__all__ = ["Run", "resume", "train"]
