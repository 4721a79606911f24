"""Many steps in one dispatch on JAX: Python has to do nothing between them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.autoencoder.on_device.batches import HeldBatches, put, shard

SETTING = "ZOO_DEVICE_LOOP"
CHOICES = ("auto", "always", "never")
Steps = Callable[[Any, Any], tuple[Any, Any]]
TRIAL = 8  # Steps that are timed, once, to find out how many take as long as is wanted.


def is_wanted() -> bool:
    """Return whether images are kept on the device: on JAX, by default on any but a single CPU.

    On a CPU XLA's loops are slow: a hundred times as slow for convolutions. Keras' loop over several devices fails at a
    batch that they cannot share evenly.

    Raises:
        ValueError: ``$ZOO_DEVICE_LOOP`` is not one of ``auto``, ``always`` and ``never``.
    """
    chosen = os.environ.get(SETTING) or "auto"
    if chosen not in CHOICES:
        raise ValueError(f"{SETTING} is {chosen!r}: expected one of {', '.join(CHOICES)}")
    if keras.backend.backend() != "jax" or chosen == "never":
        return False
    import jax

    several = keras.distribution.distribution() is not None
    return chosen == "always" or several or str(jax.default_backend()) != "cpu"


class Loop:
    """A compiled run of steps.

    Args:
        step: ``(state, batch) -> (logs, state)``, as Keras' steps on JAX.
    """

    def __init__(self, step: Steps) -> None:
        import jax

        self.seconds: dict[int, float] = {}  # For a step, by batch size.
        self.dispatches = 0
        self.logged: dict[str, Any] = {}  # By the last dispatch, an array with a value for each step.

        def run(
            state: Any, images: Any, order: Any, first: Any, size: int, full: int, rest: int
        ) -> tuple[Any, Any, Any]:
            every = []

            def take_step(state: Any, chosen: Any) -> tuple[Any, Any]:
                batch = jax.tree_util.tree_map(
                    lambda it: lay_out(jax.numpy.take(it, chosen, axis=0, mode="clip"), 0), images
                )
                logs, state = step(state, (batch,))
                return lay_out(state, None), logs

            if full:
                chosen = jax.lax.dynamic_slice(order, (first * size,), (full * size,)).reshape(full, size)
                state, logs = jax.lax.scan(take_step, state, chosen)
                every.append(logs)
            if rest:
                state, logs = take_step(state, order[-rest:])
                every.append(jax.tree_util.tree_map(lambda value: value[None], logs))
            logged = jax.tree_util.tree_map(lambda *values: jax.numpy.concatenate(values), *every)
            return jax.tree_util.tree_map(lambda values: values[-1], logged), logged, state

        self._run = jax.jit(run, donate_argnums=0, static_argnums=(4, 5, 6))

    def __call__(self, state: Any, held: HeldBatches, steps: int) -> tuple[Any, Any]:
        """Take some steps; return what the last one logs, and the state after it."""
        order, first, full, rest = held.take(steps)
        self.dispatches += 1
        given = (state, held.images, order, np.int32(first), held.batches.batch_size, full, rest)
        logs, self.logged, state = self._run(*given)
        return logs, state

    def time(self, state: Any, held: HeldBatches) -> float:
        """Return the seconds that a step with a full batch takes; the state is copied, and not changed."""
        import jax

        size = held.batches.batch_size
        if size not in self.seconds:
            order = put(held.batches.order.astype("int32"))
            for _ in range(2):  # The first one is compiled.
                given = jax.block_until_ready(jax.tree_util.tree_map(lambda value: value.copy(), state))
                begun = time.perf_counter()
                jax.block_until_ready(self._run(given, held.images, order, np.int32(0), size, TRIAL, 0))
                self.seconds[size] = (time.perf_counter() - begun) / TRIAL
        return self.seconds[size]


def lay_out(values: Any, axis: int | None) -> Any:
    """Let arrays in a compiled function lie on several devices, if there are, as ``shard`` says."""
    import jax

    layout = shard(axis)
    return values if layout is None else jax.lax.with_sharding_constraint(values, layout)


def divide_evenly(steps: int, most: float) -> int:
    """Return a number of steps at a time, up to ``most``: if there is one, a divisor, so that all runs are alike.

    Each other number is compiled once more.
    """
    limit = max(1, min(steps, math.floor(most)))
    divisors = (count for count in range(limit, limit // 2, -1) if steps % count == 0)
    return next(divisors, limit)
