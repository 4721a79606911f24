"""The layer that puts the sum of several codes in the place of a vector, each for what those before it have left."""

import numbers
from typing import Any

import keras
import numpy as np
from keras import ops
from zoo.plugins.vq_cnn.quantizer import VectorQuantizer

from zoo.layers import Quantizer

MOST_QUANTIZERS = 64


@keras.saving.register_keras_serializable(package="vq_cnn")
class ResidualVectorQuantizer(Quantizer):
    """A layer that quantises each vector in stages (Zeghidour et al. 2021, arXiv:2107.03312, section III-C).

    The first ``VectorQuantizer`` replaces the vector, along the last axis, by its nearest code; the next one what is
    left, the vector less that code; and so on. K codes in each of D codebooks say as much as K^D codes in one. The
    gradient passes straight from the sum of the codes to the input.

    Args:
        quantizers: D, the number of codes for a vector, each from a codebook of its own.
        codes: K, the number of codes in each codebook.
        commitment: as for ``VectorQuantizer``; likewise the options below.
        decay: of the moving averages.
        restart_below: the share of the average use below which a code is restarted.
        seed: of the initial codebooks and of the random vectors; None draws one.

    Call arguments:
        vectors: ``(batch, ..., d)``.
        training: whether the codebooks learn from the vectors.

    Returns:
        Codes, ``(batch, ..., D, d)``, float32, whose sum over the last axis but one is in the place of the vectors.

    Raises:
        ValueError: an option is out of range.
    """

    def __init__(
        self,
        quantizers: int = 2,
        codes: int = 512,
        commitment: float = 16.0,
        decay: float = 0.98,
        restart_below: float = 0.05,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(decay, **kwargs)
        if not isinstance(quantizers, numbers.Integral) or not 2 <= quantizers <= MOST_QUANTIZERS:
            raise ValueError(f"quantizers is {quantizers!r}: expected a whole number from 2 to {MOST_QUANTIZERS}")
        self.quantizers: int = int(quantizers)
        self.codes: int = codes
        self.commitment: float = commitment
        self.restart_below: float = restart_below
        self.seed: int | None = seed
        self.stages: list[Any] = [
            VectorQuantizer(
                codes, commitment, decay, restart_below, None if seed is None else seed + stage, name=f"stage_{stage}"
            )
            for stage in range(self.quantizers)
        ]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the codebooks."""
        for stage in self.stages:
            stage.build(input_shape)
        self.built = True

    @property
    def codebook(self) -> Any:
        """The codes, ``(quantizers, codes, d)``."""
        return ops.stack([stage.codebook.value for stage in self.stages])

    def call(self, vectors: Any, training: bool = False) -> Any:
        """Return the codes; in training, the codebooks are updated afterwards."""
        left, found = vectors, []
        for stage in self.stages:
            found.append(stage(left, training=training))
            # The gradient of the first code is that of the sum.
            left = ops.stop_gradient(left - found[-1])
        return ops.stack(found, axis=-2)

    def indices(self, vectors: Any) -> Any:
        """Return the indices of the nearest codes, ``(batch, ..., D)``, for codes ``(batch, ..., D, d)``."""
        vectors = ops.convert_to_tensor(vectors)
        return ops.stack([stage.indices(vectors[..., n, :]) for n, stage in enumerate(self.stages)], axis=-1)

    def usage(self) -> np.ndarray | None:
        """Return the share of each code, ``(D, K)``; see ``Quantizer``."""
        shares = [share for share in (stage.usage() for stage in self.stages) if share is not None]
        return np.stack(shares) if shares else None

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape with an axis for the codes before the last one."""
        return *input_shape[:-1], self.quantizers, input_shape[-1]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        names = ("quantizers", "codes", "commitment", "restart_below", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="vq_cnn")
class SumOfCodes(keras.layers.Layer):
    """A layer that adds the codes of a position, ``(batch, ..., D, d)`` to ``(batch, ..., d)``, in float32."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)

    def call(self, codes: Any) -> Any:
        """Return the sums."""
        return ops.sum(codes, axis=-2)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape without the last axis but one."""
        return *input_shape[:-2], input_shape[-1]
