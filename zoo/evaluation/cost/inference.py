"""A call of a model in inference that does not change it: traced by ``flops``, timed by ``measure``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def input_shape(model: Any) -> tuple[int, ...] | None:
    """Return the shape of a model's only input, without the batch; None if it has several or a size is unknown."""
    inputs: Any = getattr(model, "inputs", None)
    if not isinstance(model, keras.Model) or not inputs or len(inputs) != 1 or None in inputs[0].shape[1:]:
        return None
    return tuple(inputs[0].shape[1:])


def variable_values(model: keras.Model) -> tuple[list[Any], list[Any]]:
    """Return the values of the trainable and of the other variables, as the backend's tensors."""
    return [it.value for it in model.trainable_variables], [it.value for it in model.non_trainable_variables]


def call_stateless(model: keras.Model, trainable: Any, other: Any, inputs: Any) -> Any:
    """Call a model with these values of its variables; random draws do not change the state of its seeds."""
    return model.stateless_call(trainable, other, inputs, training=False)[0]


def compile_call(model: keras.Model) -> Callable[[Any], Any]:
    """Return a function that calls a model on a batch, compiled as in Keras' ``predict``.

    Args:
        model: a model with an ``input_shape``; it must not be trained while the function is in use.

    Returns:
        A function from a tensor of any batch size to the outputs as NumPy arrays. On PyTorch nothing is compiled.
    """
    backend = keras.backend.backend()
    call = _compile_tensorflow(model) if backend == "tensorflow" else _bind(model, backend)
    return lambda inputs: keras.tree.map_structure(ops.convert_to_numpy, call(inputs))


def _compile_tensorflow(model: keras.Model) -> Callable[[Any], Any]:
    import tensorflow as tf

    specification = tf.TensorSpec((None, *(input_shape(model) or ())), model.inputs[0].dtype)
    compiling = tf.function(input_signature=[specification], autograph=False, jit_compile=model.jit_compile or None)
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
