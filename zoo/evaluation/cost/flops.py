"""Floating-point operations that a model computes for one image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from zoo.evaluation.cost.inference import call_stateless, find_inputs, variable_values
from zoo.evaluation.cost.sizes import UncountableError

Inputs = list[tuple[tuple[int, ...], str]]


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
        model: a built model with one input of a known shape, and labels beside it or not; it is not changed.

    Returns:
        The operations for a batch of one; None if they cannot be counted: the model has other inputs or one of
        unknown shape, a loop computes products, or an operation hides its computation.
    """
    counts = {"tensorflow": _count_tensorflow, "jax": _count_jax, "torch": _count_torch}
    inputs, count = find_inputs(model), counts.get(keras.backend.backend())
    if inputs is None or count is None:
        return None
    try:
        return count(model, inputs)
    except UncountableError:
        return None


def _count_tensorflow(model: keras.Model, inputs: Inputs) -> int:
    import tensorflow as tf

    from zoo.evaluation.cost.tensorflow_graph import graph_flops

    traced = tf.function(lambda given: call_stateless(model, *variable_values(model), given), autograph=False)
    function = traced.get_concrete_function(_one(tf.TensorSpec((1, *shape), dtype) for shape, dtype in inputs))
    return graph_flops(function.outputs)


def _count_jax(model: keras.Model, inputs: Inputs) -> int:
    import jax  # type: ignore[import-not-found,unused-ignore]

    from zoo.evaluation.cost.jaxpr import jaxpr_flops

    traced = jax.make_jaxpr(lambda *given: call_stateless(model, *given))
    given = _one(jax.ShapeDtypeStruct((1, *shape), dtype) for shape, dtype in inputs)
    arguments = (*variable_values(model), given)
    return jaxpr_flops(traced(*arguments).jaxpr)


def _count_torch(model: keras.Model, inputs: Inputs) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    # Tensors without values: what depends on them cannot be counted, and may not end for others.
    with keras.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        trainable, other = ([value.to("meta") for value in part] for part in variable_values(model))
        given = _one(torch.zeros((1, *shape), dtype=getattr(torch, dtype), device="meta") for shape, dtype in inputs)
        try:
            call_stateless(model, trainable, other, given)
        except (RuntimeError, NotImplementedError):
            raise UncountableError from None
    return int(counter.get_total_flops())


def _one(inputs: Iterable[Any]) -> Any:
    """Return what a model is called with: its only input, or a list of them."""
    first, *others = inputs
    return [first, *others] if others else first
