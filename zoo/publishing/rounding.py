"""What storing weights as float16 changes, measured by a score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoo.score_names import main_score
from zoo.weights.config import Rounding

# Nats per image with as many values as one of MNIST: a fiftieth of what two seeds differ by.
MOST_NATS, VALUES = 0.02, 28 * 28
MOST_SHARE = 1e-4  # Of scores that are not in nats.


def compare_rounded(before: Mapping[str, Any], after: Mapping[str, Any], image_shape: tuple[int, ...]) -> Rounding:
    """Return the score before and after rounding, and whether rounded weights are as good.

    Args:
        before: the scores with the trained weights.
        after: the scores with the rounded ones, on the same images with the same draws.
        image_shape: ``(height, width, channels)``.
    """
    score = main_score([before])
    old, new = float(score.read(before)), score.read(after)
    new = math.inf if new is None else float(new)
    if score.unit.startswith("nats"):
        most = MOST_NATS * max(1.0, math.prod(image_shape) / VALUES)
    else:
        most = MOST_SHARE * abs(old)
    kept = abs(new - old) <= most
    return Rounding(score.key, old, new if math.isfinite(new) else old, kept)
