"""Weights that are not finite, and changes of a model's layers that compiled functions would not notice."""

from __future__ import annotations

import functools
import types
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.autoencoder.internals import all_layers
from zoo.data.tensors import as_array

_PLAIN = (str, int, float, bool, tuple, types.FunctionType, type(None))
Structure = tuple[tuple[Any, ...], ...]


def find_broken(model: keras.Model) -> str | None:
    """Return what is wrong with the first weight that has values that are NaN or infinite; None if all are finite."""
    broken = []
    for weight in model.weights:
        values = to_array(weight)
        if np.issubdtype(values.dtype, np.integer):
            continue
        # The sum is much faster, and exact unless it overflows.
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(values.sum(dtype="float32"))
        if not np.isfinite(total) and (count := int((~np.isfinite(values.astype("float32"))).sum())):
            broken.append((weight.path, count, values.size))
    if not broken:
        return None
    path, count, size = broken[0]
    others = f", and so have {len(broken) - 1} other weights" if len(broken) > 1 else ""
    return f"the weight {path} has {count:,} of {size:,} values that are NaN or infinite{others}"


def to_array(weight: Any) -> np.ndarray:
    """Return a variable's value."""
    tensor = ops.convert_to_tensor(weight)
    if keras.backend.backend() == "tensorflow":
        # Keras' conversion lets NumPy 2 warn of TensorFlow's arrays.
        values: np.ndarray = np.asarray(tensor.numpy())
        return values
    return as_array(tensor)


def check_weights(model: keras.Model) -> None:
    """Raise ``ValueError`` if a weight is not finite: rectifiers may turn NaN into zeros, which look like a result."""
    found = find_broken(model)
    if found is not None:
        raise ValueError(
            f"{found}: use a model saved before that, or train again, with a lower learning rate if it diverged"
        )


def has_moving_averages(model: keras.Model) -> bool:
    """Whether a layer normalises by moving averages, which need some hundred steps to settle."""
    return any(hasattr(layer, "moving_mean") for layer in all_layers(model))


def describe_structure(*models: keras.Model) -> Structure:
    """Return what a function compiled from models depends on, apart from the values of their weights.

    Two results are equal unless a layer was added, frozen, quantised, or changed in another attribute in between.
    """
    return tuple(
        (id(layer), layer.trainable, layer.dtype_policy.name, *map(id, layer.variables), *_plain_attributes(layer))
        for model in models
        for layer in all_layers(model)
    )


def _plain_attributes(layer: Any) -> list[tuple[str, Any]]:
    return [
        (key, value)
        for key, value in vars(layer).items()
        # PyTorch's modules note in ``training`` how they were used last.
        if key[0] != "_" and key != "training" and _is_plain(value.__class__)
    ]


@functools.lru_cache(256)
def _is_plain(kind: type) -> bool:
    return issubclass(kind, _PLAIN)
