"""Scores of a trained model: the same set for every model, each with its definition."""

from zoo.evaluation.comparison import compare
from zoo.evaluation.scores import evaluate

__all__ = ["compare", "evaluate"]
