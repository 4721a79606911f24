"""Averages of the weights over the steps, which validation and saved models have in their place."""

from __future__ import annotations

from typing import Any

import keras

from zoo.autoencoder.internals import averaged_weights


class UseAverages(keras.callbacks.Callback):
    """Callback that puts the averages in the place of the weights whenever no training step is taken.

    An optimizer that averages keeps the weights themselves in that time. So a model that is saved after an epoch has
    the averages as its weights, and training continues from it exactly. Keras' ``SwapEMAWeights`` adds and subtracts on
    TensorFlow, which rounds.

    Args:
        swapped: whether the model was read from a file that was saved so.
    """

    def __init__(self, *, swapped: bool) -> None:
        super().__init__()
        self.swapped = swapped

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Train with the weights."""
        if self.swapped:
            self._swap()

    def on_test_begin(self, logs: Any = None) -> None:
        """Validate with the averages."""
        if not self.swapped:
            self._swap()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save the averages, even if nothing was validated."""
        if not self.swapped:
            self._swap()

    def _swap(self) -> None:
        for weight, average in averaged_weights(self.model.optimizer):
            kept = keras.ops.convert_to_numpy(weight).copy()
            weight.assign(keras.ops.convert_to_numpy(average))
            average.assign(kept)
        self.swapped = not self.swapped
