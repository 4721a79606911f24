"""The last layer of an encoder."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.typing import Tensor

# |log variance| stays below this, so the standard deviation stays within about [1e-3, 1e3].
LOG_VARIANCE_BOUND = 14.0


@keras.saving.register_keras_serializable(package="zoo")
class GaussianHead(keras.layers.Layer):
    """The last step of an encoder, from features to the mean and standard deviation of a diagonal Gaussian.

    A feature map with the height and width of a three-dimensional latent is mapped pixel by pixel; anything else is
    flattened. Computes in float32 under every dtype policy. The log-variance is bounded by ``bound * tanh(x / bound)``,
    so that neither the deviation nor its gradient can overflow.

    Args:
        latent_shape: the shape of the latent, such as ``(16,)`` or ``(4, 4, 8)``.
        moments_dtype: the dtype policy of the inner linear layer, as a saved file of a quantised model has it.

    Call arguments:
        features: ``(batch, ...)``, float.

    Returns:
        ``(mean, std)``, each ``(batch, *latent_shape)``, float32, std > 0.
    """

    def __init__(self, latent_shape: int | tuple[int, ...], *, moments_dtype: Any = "float32", **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.moments_dtype = moments_dtype
        self.latent_shape = (latent_shape,) if isinstance(latent_shape, int) else tuple(latent_shape)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the linear layer that computes means and log-variances."""
        self.pointwise = len(self.latent_shape) == 3 and tuple(input_shape[1:3]) == self.latent_shape[:2]
        size = self.latent_shape[-1] if self.pointwise else math.prod(self.latent_shape)
        self.dense = keras.layers.Dense(2 * size, dtype=self.moments_dtype, name="moments")
        self.dense.build(input_shape if self.pointwise else (None, math.prod(input_shape[1:])))
        self.built = True

    def call(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and standard deviation."""
        if not self.pointwise:
            features = ops.reshape(features, (-1, math.prod(features.shape[1:])))
        mean, log_variance = ops.split(self.dense(features), 2, axis=-1)
        log_variance = LOG_VARIANCE_BOUND * ops.tanh(log_variance / LOG_VARIANCE_BOUND)
        shape = (-1, *self.latent_shape)
        return ops.reshape(mean, shape), ops.reshape(ops.exp(0.5 * log_variance), shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[tuple[int | None, ...], ...]:
        """Return the shapes of the mean and standard deviation."""
        shape = (input_shape[0], *self.latent_shape)
        return shape, shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        config = {**super().get_config(), "latent_shape": self.latent_shape}
        if self.built and self.dense.quantization_mode is not None:
            config["moments_dtype"] = keras.dtype_policies.serialize(self.dense.dtype_policy)
        return config
