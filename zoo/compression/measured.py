"""What test images take in a file, beside what the scores say: a part of the scores of published weights."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.autoencoder.model import AutoEncoder
from zoo.compression.compress import compress
from zoo.data.dataset import Split

COMPRESSED = "compressed"  # Its name among the scores.


def measure_compressed(model: AutoEncoder, test: Split, images: int, *, progress: bool = False) -> dict[str, Any]:
    """Compress the first test images and return the bits that they take, for ``scores.json``.

    Args:
        model: the model.
        test: the split; a model of binary images sees it as in evaluation.
        images: how many.
        progress: show progress on stderr.

    Raises:
        CompressionError: see ``zoo.compress``.
    """
    with tempfile.TemporaryDirectory() as folder:
        binarize = model.binarization != "none"
        made = compress(model, test.limit(images), Path(folder, "images"), binarize=binarize, progress=progress)
    return {
        "images": made.images,
        "bits_per_dim": made.bits_per_dim,
        "computed_bits_per_dim": made.computed_bits_per_dim,
    }


def describe_compressed(scores: Mapping[str, Any]) -> str:
    """Return a sentence about them for a card; empty if they were not measured."""
    found = scores.get(COMPRESSED)
    if not isinstance(found, Mapping):
        return ""
    count, measured, computed = (found.get(key) for key in ("images", "bits_per_dim", "computed_bits_per_dim"))
    if not all(isinstance(value, int | float) and value > 0 for value in (count, measured, computed)):
        return ""
    difference = measured / computed - 1  # type: ignore[operator]
    return (
        f"Compressed without loss by `zoo compress`, the first {count:,} test images take {measured:.4f} bits per "
        f"dimension, measured in the file; the model says {computed:.4f} ({difference:+.2%})."
    )
