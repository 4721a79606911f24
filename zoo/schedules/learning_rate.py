"""Schedules for the learning rate."""

from __future__ import annotations

import numbers
from typing import Any

import keras
from keras import ops

from zoo.schedules.kl_weight import check_count, check_weight
from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A constant learning rate that finally falls to zero in equal steps (Hagele et al. 2024, arXiv:2405.18392).

    Args:
        learning_rate: the rate at the beginning.
        steps: the total number of training steps (batches); the rate is zero from then on.
        share: the share of the steps, at the end, over which it falls, in (0, 1].
    """

    def __init__(self, learning_rate: float, steps: int, share: float = 0.5) -> None:
        if not isinstance(share, numbers.Real) or not 0 < share <= 1:
            raise ValueError(f"share is {share!r}: expected a number above 0 and up to 1")
        self.learning_rate: float = check_weight(learning_rate, "learning_rate")
        self.steps: int = check_count(steps, "steps")
        self.share: float = float(share)

    def __call__(self, step: Tensor) -> Tensor:
        """Return the rate at a step (counted from 0), a float32 scalar."""
        left = (self.steps - ops.cast(step, "float32")) / (self.share * self.steps)
        return self.learning_rate * ops.clip(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"learning_rate": self.learning_rate, "steps": self.steps, "share": self.share}
