"""Networks for the page: exported to ONNX, simplified by ONNX Runtime, and written in the page's operators."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from zoo.autoencoder.internals import all_layers
from zoo.errors import ExportError
from zoo.explorer.building import Builder, Node, UnsupportedError
from zoo.explorer.lowering import LOWERINGS
from zoo.explorer.networks import PageNetwork
from zoo.explorer.weights import Blob, round_to_half
from zoo.exporting.formats import FORMATS
from zoo.exporting.reasons import explained
from zoo.version import __version__

TOLERANCE = 1e-3  # What half precision may change in outputs, of 1 or of their largest value.


def make_graph(network: PageNetwork, tried: np.ndarray, blob: Blob) -> dict[str, Any]:
    """Return a network as the page reads it.

    Args:
        network: the network.
        tried: inputs, ``(n, *network.taken_shape)``, on which half precision is tried: where it changes too much, the
            weights stay in float32.
        blob: gets the weights.

    Raises:
        ExportError: it cannot be converted, or has an operator that the page does not compute.
    """
    simple = write_simplified(network)
    with explained(f"ONNX Runtime cannot run the {network.part} of {network.model.name}", "explore"):
        half = _rounded(simple)
        exact, rounded = (_run(it, [row[None] for row in tried]) for it in (simple, half))
        changed = [
            np.abs(a - b).max() / max(1.0, np.abs(a).max())
            for wanted, found in zip(exact, rounded, strict=True)
            for a, b in zip(wanted, found, strict=True)
        ]
        chosen = simple if max(changed, default=0.0) > TOLERANCE else half
        return lower(chosen, blob, network.model)


def make_onnx_graph(network: PageNetwork, blob: Blob) -> dict[str, Any]:
    """Return a network for ONNX Runtime in the page, and add it to the blob; see ``make_graph`` for errors."""
    content = write_simplified(network)
    return {
        "onnx": blob.add_bytes(content.SerializeToString()),
        "input": network.input_names[0],
        "shape": [1, *network.taken_shape],
        "outputs": list(network.output_names),
    }


def write_simplified(network: PageNetwork) -> Any:
    """Return a network as an ONNX model for one input at a time, with constants folded."""
    import onnx
    import onnxruntime

    onnx_format = FORMATS["onnx"]
    onnx_format.check()
    failure = f"ONNX cannot hold the {network.part} of {network.model.name}"
    with tempfile.TemporaryDirectory() as folder, explained(failure, "explore"):
        path, simple = Path(folder, "network.onnx"), Path(folder, "simple.onnx")
        onnx_format.write(network, path, 1, "float32", {"zoo": __version__})
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath, options.log_severity_level = str(simple), 3
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return onnx.load(str(simple))


def _rounded(model: Any) -> Any:
    """Return a copy whose weights are rounded to half precision where that loses little."""
    import onnx

    copy = type(model)()
    copy.CopyFrom(model)
    for weights in copy.graph.initializer:
        array = onnx.numpy_helper.to_array(weights)
        if array.dtype == np.float32 and array.ndim:
            weights.CopyFrom(onnx.numpy_helper.from_array(round_to_half(array), weights.name))
    return copy


def _run(model: Any, given: Iterable[np.ndarray]) -> list[list[np.ndarray]]:
    """Return all outputs for each input."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = model.graph.input[0].name
    return [list(session.run(None, {name: it.astype("float32")})) for it in given]


def lower(model: Any, blob: Blob, layers: Any = None) -> dict[str, Any]:
    """Return an ONNX model with one input in the page's operators.

    Args:
        model: the ONNX model; its shapes are fixed.
        blob: gets the weights.
        layers: the Keras model, whose layers are named in errors.

    Raises:
        ExportError: the page does not compute one of its operators.
    """
    import onnx

    graph = model.graph
    constants = {it.name: onnx.numpy_helper.to_array(it) for it in graph.initializer}
    nodes = []
    for it in graph.node:
        attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in it.attribute}
        if it.op_type == "Constant" and "value" in attributes:
            constants[it.output[0]] = onnx.numpy_helper.to_array(attributes["value"])
        else:
            nodes.append(Node(it.op_type, it.name, list(it.input), list(it.output), attributes))
    for node in nodes:
        if node.op not in LOWERINGS:
            raise _explain(node, "", layers)
    shapes, dtypes = _find_shapes(model, nodes, constants)
    build = Builder(shapes, dtypes, constants)
    try:
        for node in nodes:
            LOWERINGS[node.op](build, node)
        return build.finish([it.name for it in graph.input], [it.name for it in graph.output], blob)
    except UnsupportedError as error:
        raise _explain(node, f" {error}", layers) from None


def _find_shapes(
    model: Any, nodes: Iterable[Node], constants: dict[str, np.ndarray]
) -> tuple[dict[str, tuple[int, ...]], dict[str, np.dtype[Any]]]:
    """Return the shapes and types of all values, from a trial run that returns each of them."""
    import onnx

    every = type(model)()
    every.CopyFrom(model)
    names = list(dict.fromkeys(name for node in nodes for name in node.outputs if name))
    del every.graph.output[:]
    every.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    (given,) = model.graph.input
    shape = tuple(it.dim_value for it in given.type.tensor_type.shape.dim)
    (found,) = _run(every, [np.zeros(shape)])
    values = dict(zip(names, found, strict=True))
    known = {**constants, **values, given.name: np.zeros(shape, "float32")}
    return {name: it.shape for name, it in known.items()}, {name: it.dtype for name, it in known.items()}


def _explain(node: Node, detail: str, layers: Any) -> ExportError:
    where = _find_layer(node.name, layers)
    of = f" of the layer {where}" if where else ""
    return ExportError(
        f"the page cannot compute {node.op}{detail}{of}: put ONNX Runtime into the page (--runtime onnx, with the file "
        "that npm pack onnxruntime-web makes as --runtime-file)"
    )


def _find_layer(name: str, layers: Any) -> str | None:
    """Return the layer that a converter's name for an operator comes from, the innermost that can be told."""
    if layers is None:
        return None
    parts = (layers.encoder, layers.decoder)
    names: list[str] = sorted({it.name for part in parts for it in all_layers(part)}, key=len)
    for step in reversed(name.split("/")):
        for each in reversed(names):
            # Within a network that is traced, Keras appends a number.
            if step == each or (step.startswith(f"{each}_") and step[len(each) + 1 :].replace("_", "").isdigit()):
                return each
    return None
