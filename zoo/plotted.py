"""Which images a figure of a model shows: the labels of samples, and what is interpolated between."""

from __future__ import annotations

import numpy as np

from zoo.autoencoder.model import AutoEncoder


def labels_by_column(model: AutoEncoder, rows: int, columns: int) -> np.ndarray | None:
    """Return labels for rows of images, one class after the other in each; None if the model takes none."""
    return np.tile(np.arange(columns) % (model.classes or 1), rows) if model.takes_labels else None


def choose_pairs(
    model: AutoEncoder, images: np.ndarray, labels: np.ndarray | None, count: int = 4
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None] | None:
    """Return images to interpolate between, and the label that both of a pair have.

    Args:
        model: the model.
        images: the pairs are of the first of these and those from their middle on; for a conditional model, of the
            first two of each class.
        labels: ``(n,)``; not needed unless the model is conditional.
        count: the most pairs.

    Returns:
        The first of each pair, the last, and their labels for a conditional model, otherwise None; None if there is no
        pair.
    """
    half = len(images) // 2
    if not model.takes_labels or labels is None:
        pairs = min(half, count)
        return (images[:pairs], images[half : half + pairs], None) if pairs else None
    found = [np.flatnonzero(labels == label)[:2] for label in np.unique(labels)]
    rows = np.array([pair for pair in found if len(pair) == 2][:count])
    return (images[rows[:, 0]], images[rows[:, 1]], labels[rows[:, 0]]) if len(rows) else None
