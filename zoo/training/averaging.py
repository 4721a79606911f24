"""Averages of the weights over the steps, which validation and saved models have in their place."""

from __future__ import annotations

from typing import Any

import keras

from zoo.autoencoder.internals import averaged_weights

# Until the steps are this many times those that an average looks back over, 1 / (1 - momentum), each epoch's averages
# start from the weights: those of the first steps, which are worthless, would be in them for long.
HORIZONS = 5


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
        """Train with the weights, whose averages begin anew while they would be mostly of the first steps."""
        if self.swapped:
            self._swap()
        optimizer = self.model.optimizer
        if int(optimizer.iterations) * (1 - optimizer.ema_momentum) < HORIZONS:
            for weight, average in averaged_weights(optimizer):
                average.assign(keras.ops.convert_to_numpy(weight).copy())

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
