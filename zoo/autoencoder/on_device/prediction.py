"""Passes over arrays on JAX, many batches per dispatch."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from zoo.autoencoder.on_device.loop import divide_evenly

BYTES = 2**26  # Of the images of a dispatch, as float32: its outputs are about as large.


def predict_many(model: Any, inputs: np.ndarray, batch_size: int) -> Any:
    """Return the outputs of a model for an array, as Keras' ``predict`` does.

    Args:
        model: a model without arguments but its inputs, and without variables but those of its layers.
        inputs: full batches, ``(n * batch_size, ...)``.
        batch_size: inputs per batch.
    """
    import jax

    if getattr(model, "run_many", None) is None:
        object.__setattr__(model, "run_many", jax.jit(_make_run(model)))  # Nothing for Keras to track.
        if not model.built:
            with keras.StatelessScope():
                jax.eval_shape(model, inputs[:batch_size])
    batches = inputs.reshape(-1, batch_size, *inputs.shape[1:])
    size = 4 * math.prod(batches.shape[1:])
    group = divide_evenly(len(batches), BYTES / size)
    trainable = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]
    found = []
    for start in range(0, len(batches), group):
        others, outputs = model.run_many(trainable, others, batches[start : start + group])
        found.append(jax.tree_util.tree_map(np.asarray, outputs))
    for variable, value in zip(model.non_trainable_variables, others, strict=True):
        variable.assign(value)
    return keras.tree.map_structure(_join, *found)


def _make_run(model: Any) -> Any:
    import jax

    def run(trainable: Any, others: Any, batches: Any) -> tuple[Any, Any]:
        def take_batch(others: Any, batch: Any) -> tuple[Any, Any]:
            outputs, others = model.stateless_call(trainable, others, batch)
            return others, outputs

        others, outputs = jax.lax.scan(take_batch, others, batches)
        return others, outputs

    return run


def _join(*parts: np.ndarray) -> np.ndarray:
    whole = [part.reshape(-1, *part.shape[2:]) for part in parts]
    return whole[0] if len(whole) == 1 else np.concatenate(whole)
