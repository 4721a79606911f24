"""A call of a model in inference that does not change it: traced by ``flops``, timed by ``measure``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops


def find_inputs(model: Any) -> list[tuple[tuple[int, ...], str]] | None:
    """Return the shape, without the batch, and the type of a model's input, and of its labels if it takes them.

    Returns:
        None if it takes anything else beside, or a size is unknown.
    """
    inputs: Any = getattr(model, "inputs", None)
    if not isinstance(model, keras.Model) or not inputs:
        return None
    first, *others = [(tuple(it.shape[1:]), str(it.dtype)) for it in inputs]
    if None in first[0] or len(others) > 1 or any(shape or not dtype.startswith("int") for shape, dtype in others):
        return None
    return [first, *others]


def fill_inputs(inputs: list[tuple[tuple[int, ...], str]], first: np.ndarray) -> Any:
    """Return a batch of what ``find_inputs`` has found, with labels 0."""
    labels = [ops.zeros((len(first), *shape), dtype) for shape, dtype in inputs[1:]]
    filled = ops.convert_to_tensor(first, inputs[0][1])
    return [filled, *labels] if labels else filled


def variable_values(model: keras.Model) -> tuple[list[Any], list[Any]]:
    """Return the values of the trainable and of the other variables, as the backend's tensors."""
    return [it.value for it in model.trainable_variables], [it.value for it in model.non_trainable_variables]


def call_stateless(model: keras.Model, trainable: Any, other: Any, inputs: Any) -> Any:
    """Call a model with these values of its variables; random draws do not change the state of its seeds."""
    return model.stateless_call(trainable, other, inputs, training=False)[0]


def compile_call(model: keras.Model) -> Callable[[Any], Any]:
    """Return a function that calls a model on a batch, compiled as in Keras' ``predict``.

    Args:
        model: a model whose inputs ``find_inputs`` finds; it must not be trained while the function is in use.

    Returns:
        A function from a batch of any size, as ``fill_inputs`` makes it, to the outputs as NumPy arrays. On
        PyTorch nothing is compiled.
    """
    backend = keras.backend.backend()
    call = _compile_tensorflow(model) if backend == "tensorflow" else _bind(model, backend)
    return lambda inputs: keras.tree.map_structure(ops.convert_to_numpy, call(inputs))


def _compile_tensorflow(model: keras.Model) -> Callable[[Any], Any]:
    import tensorflow as tf

    found = [tf.TensorSpec((None, *shape), dtype) for shape, dtype in find_inputs(model) or ()]
    signature = [found if len(found) > 1 else found[0]]
    compiling = tf.function(input_signature=signature, autograph=False, jit_compile=model.jit_compile or None)
    compiled: Callable[[Any], Any] = compiling(lambda inputs: call_stateless(model, *variable_values(model), inputs))
    return compiled


def _bind(model: keras.Model, backend: str) -> Callable[[Any], Any]:
    def call(trainable: Any, other: Any, inputs: Any) -> Any:
        return call_stateless(model, trainable, other, inputs)

    if backend == "jax":
        import jax  # type: ignore[import-not-found,unused-ignore]

        call = jax.jit(call)
    trainable, other = variable_values(model)
    return lambda inputs: call(trainable, other, inputs)
