"""Floating-point operations of a TensorFlow graph; ``count_flops`` has the definition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zoo.autoencoder.internals import function_graph
from zoo.evaluation.cost.sizes import UncountableError, product
from zoo.typing import Tensor

Operation = Any

# By type: the tensor with one entry for each kernel position and channel (the output or an input), and how many of
# the kernel's last axes that channel covers. The kernel is the second input.
CONVOLUTIONS = {
    "Conv2D": ("output", 1),
    "Conv3D": ("output", 1),
    "DepthwiseConv2dNative": ("output", 2),
    "Conv2DBackpropInput": ("input", 1),
    "Conv3DBackpropInputV2": ("input", 1),
    "DepthwiseConv2dNativeBackpropInput": ("input", 2),
}
# By type: the attribute that is set if the first matrix is transposed.
PRODUCTS = {
    "MatMul": "transpose_a",
    "BatchMatMul": "adj_x",
    "BatchMatMulV2": "adj_x",
    "BatchMatMulV3": "adj_x",
}
LOOPS = ("While", "StatelessWhile")
BRANCHES = ("If", "StatelessIf", "Case", "StatelessCase")
OPAQUE = ("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3", "PyFunc", "PyFuncStateless", "EagerPyFunc", "XlaCallModule")


def graph_flops(outputs: Iterable[Tensor]) -> int:
    """Count the operations that a graph needs for its outputs, including those of the functions that it calls.

    Args:
        outputs: tensors of one graph.

    Raises:
        UncountableError: the operations cannot be counted.
    """
    return sum(_count(operation) for operation in _needed(outputs))


def _needed(outputs: Iterable[Tensor]) -> set[Operation]:
    found: set[Operation] = set()
    waiting = [tensor.op for tensor in outputs]
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return found


def _count(operation: Operation) -> int:
    kind = operation.type
    if kind in CONVOLUTIONS:
        return _count_convolution(operation)
    if kind in PRODUCTS:
        left = _shape(operation.inputs[0])
        contracted = left[-2 if operation.get_attr(PRODUCTS[kind]) else -1]
        return 2 * product(_shape(operation.outputs[0])) * product((contracted,))
    if kind == "Einsum":
        return _count_einsum(operation)
    if kind in OPAQUE:
        raise UncountableError
    called = [graph_flops(graph.outputs) for graph in _called_graphs(operation)]
    if kind in BRANCHES:
        return max(called)
    if kind in LOOPS and any(called):
        raise UncountableError
    return sum(called)


def _called_graphs(operation: Operation) -> list[Any]:
    """Return the graphs of the functions that an operation calls.

    Raises:
        UncountableError: TensorFlow does not have them.
    """
    names: list[str] = []
    for attribute in operation.op_def.attr:
        if attribute.type == "func":
            names.append(operation.get_attr(attribute.name).name)
        elif attribute.type == "list(func)":
            names += [function.name for function in operation.get_attr(attribute.name)]
    graphs = [function_graph(operation.graph, name) for name in names]
    if None in graphs:
        raise UncountableError
    return graphs


def _count_convolution(operation: Operation) -> int:
    where, channels = CONVOLUTIONS[operation.type]
    given = operation.outputs[0] if where == "output" else operation.inputs[2]
    whole = _put_together(operation.outputs[0])
    return 2 * product(_shape(given if whole is None else whole)) * product(_shape(operation.inputs[1])[:-channels])


def _put_together(output: Tensor) -> Tensor | None:
    """Return the full output of a dilated convolution that TensorFlow runs on padded images split into parts, or None.

    None means that the convolution is not run in this way.
    """
    for consumer in output.consumers():
        if consumer.type == "BatchToSpaceND":
            return consumer.outputs[0]
        if consumer.type == "Squeeze":  # One-dimensional convolutions run in two dimensions.
            return _put_together(consumer.outputs[0])
    return None


def _count_einsum(operation: Operation) -> int:
    equation = operation.get_attr("equation").decode().replace(" ", "")
    if len(operation.inputs) != 2:
        return 0
    terms, output = equation.split("->")
    sizes: dict[str, int] = {}
    labels = []
    for term, tensor in zip(terms.split(","), operation.inputs, strict=True):
        named = _name_axes(term, len(_shape(tensor)))
        labels.append(set(named))
        for label, size in zip(named, _shape(tensor), strict=True):
            # An axis of size one in an ellipsis is broadcast.
            sizes[label] = max(product((size,)), sizes.get(label, 1))
    left, right = labels
    kept = set(_name_axes(output, len(_shape(operation.outputs[0]))))
    summed = (left & right) - kept
    # A summed axis that only one operand has is summed before the product.
    return 2 * product(sizes[label] for label in kept | summed) if summed else 0


def _name_axes(term: str, rank: int) -> list[str]:
    """Return a label for each axis; those in an ellipsis are numbered from the last."""
    before, dots, after = term.partition("...")
    hidden = rank - len(before) - len(after) if dots else 0
    return [*before, *(f"...{hidden - axis}" for axis in range(hidden)), *after]


def _shape(tensor: Tensor) -> list[Any]:
    if tensor.shape.rank is None:
        raise UncountableError
    sizes: list[Any] = tensor.shape.as_list()
    return sizes
