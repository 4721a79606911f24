"""How good samples are: compared with images in a space of features, by default the digit features."""

from zoo.evaluation.samples.digits import digit_features
from zoo.evaluation.samples.scores import sample_scores

__all__ = ["digit_features", "sample_scores"]
