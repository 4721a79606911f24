"""The layer that rounds each value to one of a few levels."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.quantizer import Quantizer
from zoo.typing import Tensor

_EPSILON = 1e-3
_MOST_LEVELS, _MOST_CODES = 1024, 2**20


@keras.saving.register_keras_serializable(package="zoo")
class FiniteScalarQuantizer(Quantizer):
    """A layer that rounds each value of a vector, along the last axis, to one of a few levels (Mentzer et al. 2023).

    The i-th value is bounded by a tanh to an interval that holds ``levels[i]`` whole numbers, and rounded to one of
    them; the gradient passes straight through the rounding (ibid., section 3.1). What comes out is divided by half the
    number of levels, so that it lies in [-1, 1]. The codes are all combinations: nothing is learned, and no code can be
    out of reach. In training, the layer counts which are used: the moving average N of each code's number is for scores
    alone. Computes in float32 under every dtype policy.

    Args:
        levels: the number of levels of each value, each at least 2; as many as the last axis of the input is long.
        decay: the decay of the moving average; in [0, 1).

    Attributes:
        codes: K, the product of the levels.
        codebook: all codes, ``(K, d)``, float32: that of index k has the digits of k, in a system whose bases are the
            levels, the first one least.

    Call arguments:
        vectors: ``(batch, ..., d)``.
        training: whether codes are counted.

    Returns:
        Codes in the shape of ``vectors``, float32.

    Raises:
        ValueError: an option is out of range, or the input has another number of values.
    """

    def __init__(self, levels: Sequence[int] = (8, 8, 8), decay: float = 0.98, **kwargs: Any) -> None:
        super().__init__(decay, **kwargs)
        whole = isinstance(levels, Sequence) and all(isinstance(it, numbers.Integral) for it in levels)
        if not whole or not levels or not all(2 <= it <= _MOST_LEVELS for it in levels):
            raise ValueError(
                f"levels is {levels!r}: expected whole numbers from 2 to {_MOST_LEVELS:,}, such as [8, 8, 8]"
            )
        if math.prod(levels) > _MOST_CODES:
            raise ValueError(f"levels is {levels!r}: {math.prod(levels):,} codes; expected at most {_MOST_CODES:,}")
        self.levels: list[int] = [int(it) for it in levels]
        self.codes: int = math.prod(self.levels)
        self._bases = np.cumprod([1, *self.levels[:-1]])
        self._half = np.array([it // 2 for it in self.levels], "float32")
        self._top = np.array(self.levels, "float32") - 1
        digits = np.arange(self.codes)[:, None] // self._bases % self.levels
        self.codebook: np.ndarray = ((digits - self._half) / self._half).astype("float32")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the moving average."""
        if input_shape[-1] != len(self.levels):
            raise ValueError(
                f"{self.name} gets vectors of {input_shape[-1]} values and has {len(self.levels)} levels "
                f"{self.levels}: expected equal numbers"
            )
        self.sizes = self.add_average("sizes", (self.codes,))
        self.built = True

    def call(self, vectors: Tensor, training: bool = False) -> Tensor:
        """Return the codes; in training, they are counted."""
        bounded = self._bound(vectors)
        digits = ops.round(bounded)
        if training and self.trainable:
            flat = ops.reshape(self._number(ops.add(digits, self._half)), (-1,))
            ones = ops.ones_like(flat, "float32")
            counts = ops.segment_sum(ops.stop_gradient(ones), flat, num_segments=self.codes)
            self.sizes.assign(self.decay * self.sizes + (1 - self.decay) * counts)
        # The difference is exactly zero, so the output is exactly a code.
        straight = ops.divide(bounded - ops.stop_gradient(bounded), self._half)
        return ops.stop_gradient(ops.divide(digits, self._half)) + straight

    def _bound(self, vectors: Tensor) -> Tensor:
        """Return values that are rounded to whole numbers from -(levels // 2) on, as many as there are levels."""
        half = self._top * (1 + _EPSILON) / 2
        offset = np.where(np.array(self.levels) % 2 == 0, 0.5, 0.0).astype("float32")
        shift = np.arctanh(offset / half).astype("float32")
        bounded = ops.multiply(ops.tanh(ops.cast(vectors, "float32") + ops.convert_to_tensor(shift)), half)
        return ops.subtract(bounded, offset)

    def indices(self, vectors: Tensor) -> Tensor:
        """Return the indices of the nearest codes, ``(batch, ...)``, for codes or what is near ``(batch, ..., d)``."""
        digits = ops.add(ops.round(ops.multiply(ops.cast(vectors, "float32"), self._half)), self._half)
        return self._number(ops.clip(digits, 0.0, self._top))

    def _number(self, digits: Tensor) -> Tensor:
        return ops.cast(ops.sum(ops.multiply(digits, self._bases.astype("float32")), axis=-1), "int32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "levels": self.levels}
