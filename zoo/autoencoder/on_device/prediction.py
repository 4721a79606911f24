"""Passes over arrays on JAX, many batches per dispatch."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from zoo.autoencoder.on_device.loop import divide_evenly

BYTES = 2**26  # Of the images of a dispatch, as float32: its outputs are about as large.


def count_batches(inputs: Any, batch_size: int) -> int:
    """Return how many batches of an array one dispatch takes."""
    size = 4 * batch_size * math.prod(inputs.shape[1:])
    return divide_evenly(-(-len(inputs) // batch_size), BYTES / size)


def predict_many(model: Any, inputs: Any, batch_size: int) -> Any:
    """Return the outputs of a model for an array, as Keras' ``predict`` does, by one dispatch.

    Args:
        model: a model without arguments but its inputs, and without variables but those of its layers.
        inputs: full batches, ``(n * batch_size, ...)``; or a tuple of such arrays.
        batch_size: inputs per batch.
    """
    import jax

    if getattr(model, "run_many", None) is None:
        object.__setattr__(model, "run_many", jax.jit(_make_run(model)))  # Nothing for Keras to track.
        if not model.built:
            with keras.StatelessScope():
                jax.eval_shape(model, jax.tree_util.tree_map(lambda it: it[:batch_size], inputs))
    batches = jax.tree_util.tree_map(lambda it: it.reshape(-1, batch_size, *it.shape[1:]), inputs)
    trainable = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]
    others, outputs = model.run_many(trainable, others, batches)
    for variable, value in zip(model.non_trainable_variables, others, strict=True):
        variable.assign(value)
    return jax.tree_util.tree_map(lambda part: np.asarray(part).reshape(-1, *part.shape[2:]), outputs)


def _make_run(model: Any) -> Any:
    import jax

    def run(trainable: Any, others: Any, batches: Any) -> tuple[Any, Any]:
        def take_batch(others: Any, batch: Any) -> tuple[Any, Any]:
            outputs, others = model.stateless_call(trainable, others, batch)
            return others, outputs

        others, outputs = jax.lax.scan(take_batch, others, batches)
        return others, outputs

    return run
