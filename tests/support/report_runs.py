"""Runs for a report to tell of."""

import zoo


def train_runs(folder):
    """Train two seeds of one preset, and one of another."""
    for seed in (0, 1):
        zoo.train("tiny_cnn/tiny", seed=seed, epochs=2, out=folder)
    zoo.train("small_cnn/tiny", epochs=2, out=folder, latent_dim=2)
