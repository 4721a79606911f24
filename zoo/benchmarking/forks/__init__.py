"""Processes for runs as forks of one that has imported Keras already, which takes longer than a short run."""
