"""A feature map that does not depend on the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class LearnedMap(keras.layers.Layer):
    """A learned feature map, zero at first, the same for all images of a batch: where a hierarchical decoder starts.

    Args:
        shape: its shape, such as ``(height, width, channels)``.

    Call arguments:
        batch: any tensor ``(batch, ...)``.

    Returns:
        ``(batch, *shape)``.
    """

    def __init__(self, shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = tuple(shape)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the map."""
        self.map = self.add_weight(shape=self.shape, initializer="zeros", name="map")
        self.built = True

    def call(self, batch: Tensor) -> Tensor:
        """Return the map for each image."""
        return ops.broadcast_to(ops.convert_to_tensor(self.map), (ops.shape(batch)[0], *self.shape))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output's shape."""
        return (input_shape[0], *self.shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "shape": self.shape}
