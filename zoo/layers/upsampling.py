"""Layers that enlarge feature maps, and the sequence of sizes when an image is halved repeatedly."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class UpsampleTo(keras.layers.Layer):
    """Doubling of height and width by repeating pixels, then a crop: the mirror of a stage that halves odd sizes.

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
        """Check that the size is reachable."""
        _check_doubled(self, input_shape)
        self.built = True

    def call(self, features: Tensor) -> Tensor:
        """Return the larger feature map."""
        for axis in (1, 2):
            features = ops.repeat(features, 2, axis=axis)
        return _crop(features, self.size)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output's shape."""
        return (input_shape[0], *self.size, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="zoo")
class UpsampleConv2D(keras.layers.Layer):
    """``UpsampleTo``'s doubling, a 3x3 convolution with zero padding, then the crop, as one transposed convolution.

    A pixel of the doubled image is a sum of nine products, and those with the same source pixel equal one product with
    the sum of their weights. So a transposed convolution of stride 2, whose 4x4 kernel is the 3x3 kernel spread over
    each 2x2 block, computes the same with 4 products instead of 9. The 3x3 kernel is the layer's weight, so it learns
    exactly as the separate layers do.

    Args:
        filters: the number of output channels.
        size: ``(height, width)`` of the output, each at most twice the input's.
        use_bias: whether to add a bias.
        kernel_initializer: the initializer of the 3x3 kernel.

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
        """Create the 3x3 kernel, and the bias if there is one."""
        _check_doubled(self, input_shape)
        shape = (3, 3, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        self.built = True

    def call(self, features: Tensor) -> Tensor:
        """Return the larger feature map."""
        # Keras' flip accepts only one axis in some versions.
        kernel = ops.transpose(ops.flip(ops.flip(self.kernel, 0), 1), (0, 1, 3, 2))
        spread = sum(
            ops.pad(kernel, ((row, 1 - row), (column, 1 - column), (0, 0), (0, 0)))
            for row in (0, 1)
            for column in (0, 1)
        )
        features = _crop(ops.conv_transpose(features, spread, strides=2, padding="same"), self.size)
        return features if self.bias is None else features + ops.convert_to_tensor(self.bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output's shape."""
        return (input_shape[0], *self.size, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "size": self.size,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _crop(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Crop a feature map to a size; skip it if not needed, since a slice costs a pass in the gradient."""
    return features if tuple(features.shape[1:3]) == size else features[:, : size[0], : size[1]]


def _check_doubled(layer: UpsampleTo | UpsampleConv2D, input_shape: tuple[int | None, ...]) -> None:
    if any(n is None or not target <= 2 * n for n, target in zip(input_shape[1:3], layer.size, strict=True)):
        raise ValueError(
            f"{type(layer).__name__}({layer.size}) got features of shape {input_shape}: expected at least half that "
            "size"
        )


def halved_sizes(shape: tuple[int, ...], stages: int) -> list[tuple[int, int]]:
    """Return height and width before each halving (rounded up) and after the last: 28 -> 14 -> 7.

    Args:
        shape: a shape that starts with height and width.
        stages: the number of halvings.

    Returns:
        ``stages + 1`` sizes, the largest first.
    """
    sizes = [(int(shape[0]), int(shape[1]))]
    for _ in range(stages):
        height, width = sizes[-1]
        sizes.append((math.ceil(height / 2), math.ceil(width / 2)))
    return sizes
