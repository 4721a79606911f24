"""Schedules for the learning rate."""

from __future__ import annotations

import math
import numbers
from typing import Any

import keras
from keras import ops

from zoo.schedules.kl_weight import check_count, check_weight
from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A constant learning rate that finally falls to zero in equal steps (Hagele et al. 2024, arXiv:2405.18392).

    At the beginning it may rise, likewise in equal steps.

    Args:
        learning_rate: the rate at the beginning.
        steps: the total number of training steps (batches); the rate is zero from then on.
        share: the share of the steps, at the end, over which it falls, in (0, 1]; 0, with a warm-up, for none.
        warm_up: the number of steps over which it rises; 0 for none.
    """

    def __init__(self, learning_rate: float, steps: int, share: float = 0.5, warm_up: int = 0) -> None:
        if not isinstance(share, numbers.Real) or not (0 < share <= 1 or (share == 0 and warm_up)):
            raise ValueError(f"share is {share!r}: expected a number above 0 and up to 1")
        self.learning_rate: float = check_weight(learning_rate, "learning_rate")
        self.steps: int = check_count(steps, "steps")
        self.share: float = float(share)
        self.warm_up: int = check_count(warm_up, "warm_up") if warm_up else 0

    def __call__(self, step: Tensor) -> Tensor:
        """Return the rate at a step (counted from 0), a float32 scalar."""
        step = ops.cast(step, "float32")
        rate = ops.convert_to_tensor(self.learning_rate, "float32")
        if self.share:
            left = ops.clip((self.steps - step) / (self.share * self.steps), 0.0, 1.0)
            rate = rate * self.fall(left)
        return rate * ops.minimum(1.0, (step + 1.0) / self.warm_up) if self.warm_up else rate

    def fall(self, left: Tensor) -> Tensor:
        """Return the share of the rate at which this share of the fall, from 1 to 0, is left."""
        return left

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        config = {"learning_rate": self.learning_rate, "steps": self.steps, "share": self.share}
        return {**config, "warm_up": self.warm_up} if self.warm_up else config


@keras.saving.register_keras_serializable(package="zoo")
class CosineDecay(LinearDecay):
    """A learning rate that falls as half a cosine wave (Loshchilov and Hutter 2017); arguments as ``LinearDecay``."""

    def fall(self, left: Tensor) -> Tensor:
        """Return the share of the rate at which this share of the fall, from 1 to 0, is left."""
        return 0.5 - 0.5 * ops.cos(math.pi * left)
