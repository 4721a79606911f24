"""Schedules for the KL weight, advanced inside the compiled training step."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from zoo.registry.recipe import check_schedule
from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class Constant:
    """The same weight at every step.

    Args:
        value: the weight, finite and >= 0.
    """

    def __init__(self, value: float = 1.0) -> None:
        self.value = check_weight(value, "kl_weight")

    @property
    def final(self) -> float:
        """The weight that validation uses."""
        return self.value

    def __call__(self, step: Tensor) -> Tensor:
        """Return the weight at a step, a float32 scalar."""
        return ops.cast(self.value, "float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"value": self.value}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constant:
        """Rebuild it from the result of ``get_config``."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="zoo")
class LinearWarmUp:
    """A weight from ``start`` to ``end`` in equal steps, then ``end`` (Bowman et al. 2016; Sonderby et al. 2016).

    Args:
        warm_up_steps: training steps (batches) until ``end`` is reached.
        start: the weight of the first step.
        end: the final weight.
    """

    def __init__(self, warm_up_steps: int, start: float = 0.0, end: float = 1.0) -> None:
        self.warm_up_steps: int = check_count(warm_up_steps, "warm_up_steps")
        self.start: float = check_weight(start, "start")
        self.end: float = check_weight(end, "end")

    @property
    def final(self) -> float:
        """The weight that validation uses."""
        return self.end

    def __call__(self, step: Tensor) -> Tensor:
        """Return the weight at a step (counted from 0), a float32 scalar."""
        done = ops.minimum(ops.cast(step, "float32") / self.warm_up_steps, 1.0)
        return self.start + (self.end - self.start) * done

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"warm_up_steps": self.warm_up_steps, "start": self.start, "end": self.end}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LinearWarmUp:
        """Rebuild it from the result of ``get_config``."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="zoo")
class Cyclic:
    """Repeated linear warm-ups (Fu et al. 2019, equation 6).

    In each cycle the weight goes from ``start`` to ``end`` in equal steps over the first ``ratio`` of the cycle, and
    stays there for the rest of it.

    Args:
        cycle_steps: training steps (batches) of a cycle, at least 2.
        ratio: the share of a cycle in which the weight changes, in (0, 1]. With 1, as with a cycle that is too short,
            the next cycle begins one step before ``end`` is reached.
        cycles: the number of cycles before the weight stays at ``end``; None: unlimited.
        start: the weight of a cycle's first step.
        end: the weight of a cycle's last steps.
    """

    def __init__(
        self, cycle_steps: int, ratio: float = 0.5, cycles: int | None = None, start: float = 0.0, end: float = 1.0
    ) -> None:
        self.cycle_steps: int = check_count(cycle_steps, "cycle_steps")
        if self.cycle_steps < 2:
            raise ValueError("cycle_steps is 1: expected at least 2, since the weight would stay at its start")
        self.cycles: int | None = None if cycles is None else check_count(cycles, "cycles")
        if not isinstance(ratio, numbers.Real) or isinstance(ratio, bool) or not 0 < ratio <= 1:
            raise ValueError(f"ratio is {ratio!r}: expected a number above 0 and up to 1")
        self.ratio: float = float(ratio)
        self.start: float = check_weight(start, "start")
        self.end: float = check_weight(end, "end")

    @property
    def final(self) -> float:
        """The weight that validation uses."""
        return self.end

    def __call__(self, step: Tensor) -> Tensor:
        """Return the weight at a step (counted from 0), a float32 scalar."""
        step = ops.cast(step, "float32")
        done = ops.minimum(ops.mod(step, self.cycle_steps) / (self.ratio * self.cycle_steps), 1.0)
        if self.cycles is not None:
            done = ops.where(step < self.cycles * self.cycle_steps, done, 1.0)
        return self.start + (self.end - self.start) * done

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            "cycle_steps": self.cycle_steps, "ratio": self.ratio, "cycles": self.cycles,
            "start": self.start, "end": self.end,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Cyclic:
        """Rebuild it from the result of ``get_config``."""
        return cls(**config)


Schedule = Constant | LinearWarmUp | Cyclic


def get(value: Any) -> Schedule:
    """Return a schedule.

    Args:
        value: a number, a schedule, or the arguments of ``LinearWarmUp`` or ``Cyclic`` as a mapping.

    Raises:
        TypeError: something else.
        ValueError: a weight is negative or not finite, or a mapping does not describe a schedule.
    """
    if isinstance(value, Schedule):
        return value
    if isinstance(value, Mapping):
        check_schedule(value)
        return (Cyclic if "cycle_steps" in value else LinearWarmUp)(**value)
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return Constant(float(value))
    raise TypeError(f"kl_weight is {value!r}: expected a number or a schedule such as zoo.schedules.LinearWarmUp(1000)")


def check_weight(value: Any, name: str) -> float:
    """Return a finite number of at least 0 as a float; raise ``ValueError`` for anything else."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is {value!r}: expected a finite number of at least 0")
    return float(value)


def check_count(value: Any, name: str) -> int:
    """Return a whole number of at least 1; raise ``ValueError`` for anything else."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}: expected a whole number of at least 1")
    return int(value)
