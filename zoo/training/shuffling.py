"""Shuffled training images: their order depends only on the seed and the epoch's number."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.autoencoder.checks.labels import Inputs
from zoo.autoencoder.on_device.batches import ArrayBatches
from zoo.autoencoder.tf_pipeline import stream


class ShuffledImages:
    """Batches of images, shuffled for each epoch.

    Args:
        images: ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1], with labels or without.
        batch_size: images per batch; the last one may have fewer.
        seed: seed of the shuffling.
    """

    def __init__(self, images: Inputs, batch_size: int, seed: int) -> None:
        self.images, self.batch_size, self.seed = images, batch_size, seed
        self.order = np.arange(len(images))
        self._batches: ArrayBatches | None = None
        self._variable: Any = None

    def stream(self) -> Any:
        """Return the batches for ``fit``, in the order set when an epoch begins."""
        if keras.backend.backend() != "tensorflow":
            self._batches = ArrayBatches(self.images, self.batch_size)
            return self._batches
        import tensorflow as tf

        with tf.device("CPU"):
            self._variable = tf.Variable(self.order, trainable=False)
        return stream(self.images, self.batch_size, self._variable)

    def shuffle(self, epoch: int) -> None:
        """Set the order for an epoch, counted from 0."""
        self.order = np.random.default_rng([self.seed, epoch]).permutation(len(self.images))
        if self._batches is not None:
            self._batches.order = self.order
        if self._variable is not None:
            self._variable.assign(self.order)


class SeedEpochs(keras.callbacks.Callback):
    """Callback that seeds every random state for each epoch, so that an epoch does not depend on what ran before.

    These are the order of the images, the global states of Python, NumPy and the backend, and the model's own
    ``keras.random.SeedGenerator`` states, which a ``.keras`` file does not store.
    """

    def __init__(self, data: ShuffledImages) -> None:
        super().__init__()
        self.data = data

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Seed all random states."""
        self.data.shuffle(epoch)
        states = [state for state in self.model.non_trainable_variables if state.path.endswith("seed_generator_state")]
        drawn = np.random.SeedSequence([self.data.seed, epoch]).generate_state(1 + len(states))
        keras.utils.set_random_seed(int(drawn[0]))
        for state, value in zip(states, drawn[1:], strict=True):
            # Some backends use a signed type.
            state.assign(np.array([int(value) % 2**31, 0], dtype=state.dtype))
