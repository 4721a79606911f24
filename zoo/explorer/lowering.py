"""From ONNX operators to the few that the page computes: each is an entry of ``LOWERINGS``.

All shapes are known, since the batch is one. The page's operators:

- ``reshape``: the same values, another shape;
- ``pick``: ``out[i, j, ...] = in[axes[0][i] + axes[1][j] + ...]``; a negative position is ``fill``;
- ``gather``: rows of an array by indices that are computed;
- ``conv``, ``deconv``: convolutions of two dimensions and their transposes, channels first;
- ``matmul``, ``pool``, ``concat``, ``reduce``, ``softmax``, ``top``, ``where``;
- ``unary`` and ``binary``: elementwise functions, named as in ONNX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.explorer import picking
from zoo.explorer.building import Builder, Node, UnsupportedError

UNARY = (
    "Abs", "Ceil", "Cos", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish", "Neg",
    "Not", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Tanh",
)  # fmt: skip
BINARY = (
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min", "Mul", "Or",
    "PRelu", "Pow", "Sub",
)  # fmt: skip
REDUCTIONS = ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum")
# The numbers that a function takes, with ONNX' defaults.
_SETTINGS = {
    "Elu": {"alpha": 1.0}, "LeakyRelu": {"alpha": 0.01}, "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
    "Selu": {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875},
}  # fmt: skip


def _reshape(build: Builder, node: Node) -> None:
    build.emit(node, "reshape", node.inputs[:1])


def _unary(build: Builder, node: Node) -> None:
    settings = [float(node.get(name, value)) for name, value in _SETTINGS.get(node.op, {}).items()]
    build.emit(node, "unary", node.inputs, f=node.op, s=settings)


def _clip(build: Builder, node: Node) -> None:
    low, high = (build.constant(node, index) for index in (1, 2))
    bounds = [-3.4e38 if low is None else float(low), 3.4e38 if high is None else float(high)]
    build.emit(node, "unary", node.inputs[:1], f="Clip", s=bounds)


def _cast(build: Builder, node: Node) -> None:
    to = build.dtypes[node.outputs[0]].kind
    function = {"b": "NonZero", "i": "Trunc", "u": "Trunc"}.get(to)
    if function is None or build.dtypes[node.inputs[0]].kind == to:
        build.emit(node, "reshape", node.inputs[:1])
    else:
        build.emit(node, "unary", node.inputs, f=function)


def _binary(build: Builder, node: Node) -> None:
    whole = node.op == "Div" and build.dtypes[node.outputs[0]].kind in "iu"
    value = node.inputs[0]
    for other in node.inputs[1:-1]:  # Min and Max take any number.
        value = build.add("binary", [value, other], build.broadcast(value, other), f=node.op)
    if len(node.inputs) == 1:
        build.emit(node, "reshape", [value])
    elif whole:
        quotient = build.add("binary", [value, node.inputs[-1]], build.shapes[node.outputs[0]], f="Div")
        build.emit(node, "unary", [quotient], f="Trunc")
    else:
        build.emit(node, "binary", [value, node.inputs[-1]], f=node.op)


def _sum(build: Builder, node: Node) -> None:
    _binary(build, node.renamed("Add"))


def _matmul(build: Builder, node: Node) -> None:
    build.emit(node, "matmul", node.inputs)


def _gemm(build: Builder, node: Node) -> None:
    first, second = node.inputs[:2]
    if node.get("transA", 0):
        first = _transposed(build, first)
    if node.get("transB", 0):
        second = _transposed(build, second)
    result = build.add("matmul", [first, second], build.shapes[node.outputs[0]])
    if node.get("alpha", 1.0) != 1.0:
        result = build.add("binary", [result, build.scalar(node.get("alpha", 1.0))], build.shapes[result], f="Mul")
    if len(node.inputs) > 2 and node.inputs[2]:
        added = node.inputs[2]
        if node.get("beta", 1.0) != 1.0:
            added = build.add("binary", [added, build.scalar(node.get("beta", 1.0))], build.shapes[added], f="Mul")
        build.emit(node, "binary", [result, added], f="Add")
    else:
        build.emit(node, "reshape", [result])


def _transposed(build: Builder, name: str) -> str:
    rows, columns = build.shapes[name]
    known = build.constants.get(name)
    if known is not None:
        return build.add_constant(known.T)
    return build.add("pick", [name], (columns, rows), axes=[[0, 1], [0, columns]])


def _normalise(build: Builder, node: Node) -> None:
    scale, offset, mean, variance = (build.need_constant(node, index) for index in range(1, 5))
    factor = scale.astype("float64") / np.sqrt(variance.astype("float64") + node.get("epsilon", 1e-5))
    shape = (-1, *(1,) * (len(build.shapes[node.inputs[0]]) - 2))
    added = (offset - mean * factor).reshape(shape)
    scaled = build.add(
        "binary", [node.inputs[0], build.add_constant(factor.reshape(shape))], build.shapes[node.inputs[0]], f="Mul"
    )
    build.emit(node, "binary", [scaled, build.add_constant(added)], f="Add")


def _window(build: Builder, node: Node, kernel: Sequence[int]) -> dict[str, Any]:
    """Return strides, dilations and what is padded before the first row and column."""
    given, got = (build.shapes[name] for name in (node.inputs[0], node.outputs[0]))
    if len(given) != 4:
        raise UnsupportedError(f"for {len(given) - 2} dimensions")
    strides, dilations = list(node.get("strides", [1, 1])), list(node.get("dilations", [1, 1]))
    pads, auto = list(node.get("pads", [0, 0, 0, 0]))[:2], node.get("auto_pad", b"NOTSET").decode()
    if auto in ("SAME_UPPER", "SAME_LOWER") or (node.op == "ConvTranspose" and "output_shape" in node.attributes):
        reach = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
        small, large = (got[2:], given[2:]) if node.op != "ConvTranspose" else (given[2:], got[2:])
        more = [0, 0] if node.op != "ConvTranspose" else list(node.get("output_padding", [0, 0]))
        totals = [
            max(0, (few - 1) * stride + size + extra - many)
            for few, stride, size, many, extra in zip(small, strides, reach, large, more, strict=True)
        ]
        pads = [-(-total // 2) if auto == "SAME_LOWER" else total // 2 for total in totals]
    elif auto == "VALID":
        pads = [0, 0]
    return {"stride": strides, "dilation": dilations, "pad": pads}


def _convolve(build: Builder, node: Node) -> None:
    kernel = build.need_constant(node, 1)
    window = _window(build, node, kernel.shape[2:])
    name = "conv" if node.op == "Conv" else "deconv"
    build.emit(node, name, [it for it in node.inputs if it], **window, group=int(node.get("group", 1)))


def _pool(build: Builder, node: Node) -> None:
    if len(node.outputs) > 1:
        raise UnsupportedError("with the places of the largest values")
    size = list(node.get("kernel_shape", []))
    window = _window(build, node, size)
    mean = node.op == "AveragePool"
    everything = bool(mean and node.get("count_include_pad", 0))
    if everything and node.get("ceil_mode", 0):
        raise UnsupportedError("that counts its padding and rounds up")
    build.emit(node, "pool", node.inputs, size=size, mean=mean, all=everything, **window)


def _pool_all(build: Builder, node: Node) -> None:
    name = "ReduceMean" if node.op == "GlobalAveragePool" else "ReduceMax"
    axes = list(range(2, len(build.shapes[node.inputs[0]])))
    build.emit(node, "reduce", node.inputs, f=name, axes=axes)


def _reduce(build: Builder, node: Node) -> None:
    rank = len(build.shapes[node.inputs[0]])
    axes = build.constant(node, 1) if len(node.inputs) > 1 else node.get("axes", None)
    if axes is None or not len(axes):
        axes = [] if node.get("noop_with_empty_axes", 0) else range(rank)
    build.emit(node, "reduce", node.inputs[:1], f=node.op, axes=sorted(int(axis) % rank for axis in axes))


def _softmax(build: Builder, node: Node) -> None:
    rank = len(build.shapes[node.inputs[0]])
    build.emit(node, "softmax", node.inputs, axis=int(node.get("axis", -1)) % rank, log=node.op == "LogSoftmax")


def _concat(build: Builder, node: Node) -> None:
    build.emit(node, "concat", node.inputs, axis=int(node.get("axis", 0)) % len(build.shapes[node.outputs[0]]))


def _where(build: Builder, node: Node) -> None:
    build.emit(node, "where", node.inputs)


def _top(build: Builder, node: Node) -> None:
    rank = len(build.shapes[node.inputs[0]])
    if int(node.get("axis", -1)) % rank != rank - 1:
        raise UnsupportedError("along an axis that is not the last one")
    arguments = {"largest": bool(node.get("largest", 1))}
    for which, output in zip(("value", "place"), node.outputs, strict=False):
        if output in build.shapes:
            build.emit(node, "top", node.inputs[:1], output=output, of=which, **arguments)


def _best(build: Builder, node: Node) -> None:
    rank, axis = len(build.shapes[node.inputs[0]]), int(node.get("axis", 0))
    if axis % rank != rank - 1 or node.get("select_last_index", 0):
        raise UnsupportedError("along an axis that is not the last one")
    build.emit(node, "top", node.inputs, of="place", largest=node.op == "ArgMax")


LOWERINGS: Mapping[str, Callable[[Builder, Node], None]] = {
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Dropout"), _reshape),
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(BINARY, _binary),
    **dict.fromkeys(REDUCTIONS, _reduce),
    **dict.fromkeys(("Conv", "ConvTranspose"), _convolve),
    **dict.fromkeys(("MaxPool", "AveragePool"), _pool),
    **dict.fromkeys(("GlobalMaxPool", "GlobalAveragePool"), _pool_all),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    **dict.fromkeys(("Expand", "Tile"), picking.lower_expand),
    **dict.fromkeys(("Resize", "Upsample"), picking.lower_resize),
    **dict.fromkeys(("ArgMax", "ArgMin"), _best),
    "BatchNormalization": _normalise, "Cast": _cast, "Clip": _clip, "Concat": _concat, "Gather": picking.lower_gather,
    "DepthToSpace": picking.lower_depth_to_space, "Gemm": _gemm, "MatMul": _matmul, "Pad": picking.lower_pad,
    "Slice": picking.lower_slice, "Split": picking.lower_split, "Sum": _sum, "TopK": _top,
    "Transpose": picking.lower_transpose, "Where": _where,
}  # fmt: skip
