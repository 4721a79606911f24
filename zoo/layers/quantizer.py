"""What layers have in common that put a code in the place of each vector."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.typing import Tensor


class Quantizer(keras.layers.Layer):
    """The base of layers that replace each vector, along the last axis, by one of finitely many codes.

    It is the last layer of the encoder of a ``zoo.QuantizedAutoEncoder``. A subclass sets ``codes``, ``codebook`` and,
    in ``build``, ``sizes``, and defines ``call`` and ``indices``. Computes in float32 under every dtype policy.

    Args:
        decay: the decay of the moving averages of how often each code is used; in [0, 1).
        **kwargs: as for ``keras.layers.Layer``, but for the dtype.

    Attributes:
        codes: K, the number of codes in a codebook.
        codebook: the codes, ``(K, d)``; of several codebooks ``(quantizers, K, d)``.
        quantizers: the number of codes, each from a codebook of its own, that replace a vector; the last axis but one
            of the output is for them if there are several.
        sizes: the moving average of each code's number, ``(K,)``.

    Raises:
        ValueError: the decay is out of range.
    """

    codes: int
    codebook: Any
    sizes: keras.Variable
    quantizers: int = 1

    def __init__(self, decay: float = 0.98, **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay!r}: expected a number from 0 to below 1")
        self.decay: float = decay

    def add_average(self, name: str, shape: tuple[int | None, ...], initializer: Any = "zeros") -> keras.Variable:
        """Return a new weight that follows a moving average: float32, not trained by the optimizer."""
        # Replicas see different vectors; the mean of their averages is the overall average.
        return self.add_weight(
            shape=shape, initializer=initializer, name=name, trainable=False, autocast=False, aggregation="mean"
        )

    def indices(self, vectors: Tensor) -> Tensor:
        """Return the indices of the codes nearest to codes, or to what is near them.

        Args:
            vectors: in the shape of the layer's output, ``(batch, ..., d)``.

        Returns:
            ``(batch, ...)``, whole numbers from 0 to below K.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define indices")

    def usage(self) -> np.ndarray | None:
        """Return the share of each code among those of vectors in training, float64; None before any.

        Returns:
            ``(K,)``; of several codebooks ``(quantizers, K)``. The shares of a codebook sum to 1.
        """
        sizes: np.ndarray = ops.convert_to_numpy(self.sizes).astype("float64")
        return sizes / sizes.sum() if sizes.any() else None

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "decay": self.decay}
