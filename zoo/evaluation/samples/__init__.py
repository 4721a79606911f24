"""How good a model's samples are: compared with images, in the feature space of a classifier."""
