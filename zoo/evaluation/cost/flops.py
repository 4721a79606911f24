"""Floating-point operations that a model computes for one image."""

from __future__ import annotations

import keras

from zoo.evaluation.cost.inference import call_stateless, input_shape, variable_values
from zoo.evaluation.cost.sizes import UncountableError


def count_flops(model: keras.Model) -> int | None:
    """Count the multiplications and additions of convolutions and matrix products for one input.

    The computation itself is traced, so it does not matter which layers are used. Each multiply-add counts as two
    operations, as is usual (He et al. 2016 and others count it as one: their numbers are half of these). Element-wise
    work is left out: biases, activations, normalisation, pooling, resizing, products without a sum. Anything that does
    not reach the output is not counted. The count is for inference, not training.

    - A convolution: 2 * positions of the kernel * kernel height * width * input channels of a group * output channels.
      It has as many positions as its output has pixels; zero padding counts. A transposed convolution has as many as
      its input has pixels, and what it computes beyond the edges of its output counts.
    - A matrix product of (m, k) and (k, n): 2 * m * k * n.
    - Of several branches, the most expensive one counts.

    PyTorch runs Python instead of a graph: there every turn of a loop counts, one of several branches, and what does
    not reach the output.

    Args:
        model: a built model with one input of a known shape; it is not changed.

    Returns:
        The operations for a batch of one; None if they cannot be counted: the model has several inputs or one of
        unknown shape, a loop computes products, or an operation hides its computation.
    """
    counts = {"tensorflow": _count_tensorflow, "jax": _count_jax, "torch": _count_torch}
    shape, count = input_shape(model), counts.get(keras.backend.backend())
    if shape is None or count is None:
        return None
    try:
        return count(model, shape)
    except UncountableError:
        return None


def _count_tensorflow(model: keras.Model, shape: tuple[int, ...]) -> int:
    import tensorflow as tf

    from zoo.evaluation.cost.tensorflow_graph import graph_flops

    traced = tf.function(lambda inputs: call_stateless(model, *variable_values(model), inputs), autograph=False)
    function = traced.get_concrete_function(tf.TensorSpec((1, *shape), model.inputs[0].dtype))
    return graph_flops(function.outputs)


def _count_jax(model: keras.Model, shape: tuple[int, ...]) -> int:
    import jax  # type: ignore[import-not-found,unused-ignore]

    from zoo.evaluation.cost.jaxpr import jaxpr_flops

    traced = jax.make_jaxpr(lambda *given: call_stateless(model, *given))
    arguments = (*variable_values(model), jax.ShapeDtypeStruct((1, *shape), model.inputs[0].dtype))
    return jaxpr_flops(traced(*arguments).jaxpr)


def _count_torch(model: keras.Model, shape: tuple[int, ...]) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    # Tensors without values: what depends on them cannot be counted, and may not end for others.
    with keras.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        trainable, other = ([value.to("meta") for value in part] for part in variable_values(model))
        inputs = torch.zeros((1, *shape), dtype=getattr(torch, model.inputs[0].dtype), device="meta")
        try:
            call_stateless(model, trainable, other, inputs)
        except (RuntimeError, NotImplementedError):
            raise UncountableError from None
    return int(counter.get_total_flops())
