"""How often a loop of a TensorFlow graph runs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.evaluation.cost.sizes import UncountableError
from zoo.typing import Tensor

Graph = Any
Operation = Any


def called_graphs(operation: Operation) -> dict[str, Graph]:
    """Return the graphs of the functions that an operation calls, by its attributes' names.

    Raises:
        UncountableError: TensorFlow does not give them.
    """
    names = {}
    for attribute in operation.op_def.attr:
        if attribute.type == "func":
            names[attribute.name] = operation.get_attr(attribute.name).name
        elif attribute.type == "list(func)":
            listed = operation.get_attr(attribute.name)
            names |= {f"{attribute.name} {number}": function.name for number, function in enumerate(listed)}
    # TensorFlow has no public way to a function's graph.
    find = getattr(operation.graph, "_get_function", lambda name: None)
    functions: dict[str, Any] = {key: find(name) for key, name in names.items()}
    if not all(hasattr(function, "graph") for function in functions.values()):
        raise UncountableError
    return {key: function.graph for key, function in functions.items()}


def count_rounds(loop: Operation) -> int:
    """Return how often a loop runs that ends when a counter reaches a constant, as those of Keras do.

    Args:
        loop: a ``While`` operation.

    Raises:
        UncountableError: it ends otherwise.
    """
    graphs = called_graphs(loop)
    return min(_count_until(loop, graphs, comparison) for comparison in _comparisons(graphs["cond"].outputs[0]))


def _comparisons(condition: Tensor) -> list[Operation]:
    operation = _origin(condition).op
    if operation.type == "LogicalAnd":
        return [comparison for part in operation.inputs for comparison in _comparisons(part)]
    return [operation]


def _count_until(loop: Operation, graphs: dict[str, Graph], comparison: Operation) -> int:
    if comparison.type not in ("Less", "LessEqual"):
        raise UncountableError
    counter, limit = map(_origin, comparison.inputs)
    start, end = _start(loop, graphs, counter), _start(loop, graphs, limit)
    step = _step(graphs, counter)
    if step <= 0 or _step(graphs, limit) != 0:
        raise UncountableError
    end += comparison.type == "LessEqual"
    return max(0, math.ceil((end - start) / step))


def _start(loop: Operation, graphs: dict[str, Graph], value: Tensor) -> int:
    """Return what a tensor of a loop's condition is before the first round."""
    position = _position(graphs["cond"], value)
    return _constant(value if position is None else loop.inputs[position])


def _step(graphs: dict[str, Graph], value: Tensor) -> int:
    """Return by how much a tensor of a loop's condition grows in each round."""
    position = _position(graphs["cond"], value)
    if position is None:
        return 0
    body = graphs["body"]
    after = _origin(body.outputs[position])
    if _position(body, after) == position:
        return 0
    if after.op.type not in ("Add", "AddV2"):
        raise UncountableError
    terms = [_origin(term) for term in after.op.inputs]
    steps = [_constant(term) for term in terms if _position(body, term) != position]
    if len(steps) != 1:
        raise UncountableError
    return steps[0]


def _position(graph: Graph, value: Tensor) -> int | None:
    return next((number for number, given in enumerate(graph.inputs) if given is value), None)


def _origin(value: Tensor) -> Tensor:
    while value.op.type in ("Identity", "Cast"):
        value = value.op.inputs[0]
    return value


def _constant(value: Tensor) -> int:
    value = _origin(value)
    if value.op.type in ("Max", "Min") and value.op.inputs[0].shape.rank == 0:
        value = _origin(value.op.inputs[0])  # Of a single number; Keras' recurrent layers have it.
    if value.op.type == "StridedSlice":  # One size of a shape.
        sizes, begin = (tf.get_static_value(given) for given in value.op.inputs[:2])
        known = None if sizes is None or begin is None or value.shape.rank else sizes[begin[0]]
    else:
        known = tf.get_static_value(value)
    if known is None or not np.issubdtype(known.dtype, np.integer):
        raise UncountableError
    return int(known)
