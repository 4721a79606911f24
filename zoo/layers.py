"""Layers for plugin authors."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.batch_normalization import BatchNormalization

__all__ = ["LOG_VARIANCE_BOUND", "BatchNormalization", "GaussianHead", "UpsampleConv2D", "UpsampleTo", "halved_sizes"]

Tensor = Any

# |log variance| stays below this: the standard deviation stays within about [1e-3, 1e3].
LOG_VARIANCE_BOUND = 14.0


@keras.saving.register_keras_serializable(package="zoo")
class GaussianHead(keras.layers.Layer):
    """The last step of an encoder: features to the mean and the standard deviation of a diagonal Gaussian.

    A feature map whose height and width are those of a three-dimensional latent is mapped pixel by pixel; anything
    else is flattened. Computes in float32 under every dtype policy. The log-variance goes through
    ``bound * tanh(x / bound)``, so that neither the deviation nor its gradient can overflow.

    Args:
        latent_shape: shape of the latent, such as ``(16,)`` or ``(4, 4, 8)``.

    Call arguments:
        features: ``(batch, ...)``, float.

    Returns:
        ``(mean, std)``, each ``(batch, *latent_shape)``, float32, std > 0.
    """

    def __init__(self, latent_shape: int | tuple[int, ...], **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.latent_shape = (latent_shape,) if isinstance(latent_shape, int) else tuple(latent_shape)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Make the one linear layer that gives means and log-variances."""
        self.pointwise = len(self.latent_shape) == 3 and tuple(input_shape[1:3]) == self.latent_shape[:2]
        size = self.latent_shape[-1] if self.pointwise else math.prod(self.latent_shape)
        self.dense = keras.layers.Dense(2 * size, dtype="float32", name="moments")
        self.dense.build(input_shape if self.pointwise else (None, math.prod(input_shape[1:])))
        self.built = True

    def call(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Give mean and standard deviation."""
        if not self.pointwise:
            features = ops.reshape(features, (-1, math.prod(features.shape[1:])))
        mean, log_variance = ops.split(self.dense(features), 2, axis=-1)
        log_variance = LOG_VARIANCE_BOUND * ops.tanh(log_variance / LOG_VARIANCE_BOUND)
        shape = (-1, *self.latent_shape)
        return ops.reshape(mean, shape), ops.reshape(ops.exp(0.5 * log_variance), shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[tuple[int | None, ...], ...]:
        """Give the shapes of mean and standard deviation."""
        shape = (input_shape[0], *self.latent_shape)
        return shape, shape

    def get_config(self) -> dict[str, Any]:
        """Give the arguments."""
        return {**super().get_config(), "latent_shape": self.latent_shape}


@keras.saving.register_keras_serializable(package="zoo")
class UpsampleTo(keras.layers.Layer):
    """Double height and width by repeating pixels, then crop to a size: the mirror of a stage that halves odd sizes.

    Args:
        size: ``(height, width)`` of the output, each at most twice the input's.

    Call arguments:
        features: ``(batch, height, width, channels)``.

    Returns:
        ``(batch, *size, channels)``.
    """

    def __init__(self, size: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = (int(size[0]), int(size[1]))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check that the size can be reached."""
        _check_doubled(self, input_shape)
        self.built = True

    def call(self, features: Tensor) -> Tensor:
        """Give the larger feature map."""
        for axis in (1, 2):
            features = ops.repeat(features, 2, axis=axis)
        return _crop(features, self.size)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Give the output's shape."""
        return (input_shape[0], *self.size, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Give the arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="zoo")
class UpsampleConv2D(keras.layers.Layer):
    """``UpsampleTo``'s doubling, a 3x3 convolution with zero padding, then the crop, as one transposed convolution.

    Of the nine products that a pixel of the doubled image is made of, those with the same source pixel are the product
    with the sum of their weights. So a transposed convolution of stride 2 with the 4x4 kernel that is the 3x3 one
    spread over each 2x2 block gives the same at 4 products in place of 9. The 3x3 kernel is the layer's weight, so
    that it learns just as the pair of layers does.

    Args:
        filters: channels of the output.
        size: ``(height, width)`` of the output, each at most twice the input's.
        use_bias: whether a bias is added.
        kernel_initializer: of the 3x3 kernel.

    Call arguments:
        features: ``(batch, height, width, channels)``.

    Returns:
        ``(batch, *size, filters)``.
    """

    def __init__(
        self,
        filters: int,
        size: tuple[int, int],
        *,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = int(filters)
        self.size = (int(size[0]), int(size[1]))
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the 3x3 kernel, and the bias if there is one."""
        _check_doubled(self, input_shape)
        shape = (3, 3, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        self.built = True

    def call(self, features: Tensor) -> Tensor:
        """Give the larger feature map."""
        kernel = ops.transpose(ops.flip(ops.convert_to_tensor(self.kernel), (0, 1)), (0, 1, 3, 2))
        spread = sum(
            ops.pad(kernel, ((row, 1 - row), (column, 1 - column), (0, 0), (0, 0)))
            for row in (0, 1)
            for column in (0, 1)
        )
        features = _crop(ops.conv_transpose(features, spread, strides=2, padding="same"), self.size)
        return features if self.bias is None else features + ops.convert_to_tensor(self.bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Give the output's shape."""
        return (input_shape[0], *self.size, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Give the arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "size": self.size,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _crop(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut a feature map to a size; one that has it is left alone, since a slice costs a pass of its gradient."""
    return features if tuple(features.shape[1:3]) == size else features[:, : size[0], : size[1]]


def _check_doubled(layer: UpsampleTo | UpsampleConv2D, input_shape: tuple[int | None, ...]) -> None:
    if any(n is None or not target <= 2 * n for n, target in zip(input_shape[1:3], layer.size, strict=True)):
        raise ValueError(
            f"{type(layer).__name__}({layer.size}) got features {input_shape}: expected at least half that size"
        )


def halved_sizes(shape: tuple[int, ...], stages: int) -> list[tuple[int, int]]:
    """Give height and width before each of so many halvings (rounded up) and after the last: 28 -> 14 -> 7.

    Args:
        shape: begins with height and width.
        stages: how many times the size is halved.

    Returns:
        ``stages + 1`` sizes, the largest first.
    """
    sizes = [(int(shape[0]), int(shape[1]))]
    for _ in range(stages):
        height, width = sizes[-1]
        sizes.append((math.ceil(height / 2), math.ceil(width / 2)))
    return sizes
