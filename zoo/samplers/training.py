"""Training of a sampler's network, so that equal seeds give equal weights, whatever else draws numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
from keras import ops

from zoo.progress import show_progress
from zoo.typing import Tensor

BATCH, EPOCHS, MOST_EPOCHS = 256, 40, 100_000
LEARNING_RATE, LARGEST_GRADIENT = 1e-3, 10.0


class Objective(keras.Model):
    """A network whose output is the loss of each row; a subclass defines ``call``."""

    def train(self, batches: Callable[[int], Iterable[np.ndarray]], rows: int, epochs: int, progress: bool) -> None:
        """Minimise the mean loss.

        Args:
            batches: a function from an epoch, from 0, to its rows, some at a time.
            rows: their number.
            epochs: how often to go through them.
            progress: show progress on stderr.

        Raises:
            ValueError: it diverged.
        """
        steps = epochs * max(1, rows // BATCH)
        schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
        self.compile(
            keras.optimizers.Adam(schedule, global_clipnorm=LARGEST_GRADIENT),
            loss=mean_of_rows,
            jit_compile=keras.backend.backend() == "jax",
        )
        last = np.zeros(())
        with show_progress("fitting the sampler", epochs, progress, unit="epochs") as advance:
            for epoch in range(epochs):
                for batch in batches(epoch):
                    last = np.asarray(self.train_on_batch(batch, np.zeros(len(batch), np.float32)))
                advance(1)
        if not np.isfinite(last).all():
            raise ValueError("fitting the sampler diverged: the latents may have outliers: try another sampler")


def mean_of_rows(targets: Tensor, losses: Tensor) -> Tensor:
    """Return the mean of a network's output, which is the loss of each row."""
    return ops.mean(losses)


def hidden_kernel(seed: np.random.Generator, gain: float = 1.0) -> keras.initializers.Initializer:
    """Return the initialiser of a kernel, seeded."""
    return keras.initializers.VarianceScaling(gain, "fan_avg", "uniform", seed=int(seed.integers(2**31)))
