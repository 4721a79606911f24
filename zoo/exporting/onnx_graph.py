"""What a converter's ONNX graph needs before others can run it."""

from __future__ import annotations

from typing import Any

from zoo.exporting.networks import ExportedNetwork


def replace_erfc(graph: Any) -> None:
    """Replace erfc(x), of which TensorFlow makes the exact GELU and which ONNX does not have, by 1 - erf(x)."""
    from onnx import helper

    nodes = list(graph.node)
    if not any(node.op_type == "Erfc" for node in nodes):
        return
    graph.initializer.append(helper.make_tensor("one_of_erfc", 1, [], [1.0]))  # Of type float.
    del graph.node[:]
    for node in nodes:
        if node.op_type == "Erfc":
            erf = f"{node.output[0]}_erf"
            graph.node.append(helper.make_node("Erf", [node.input[0]], [erf], name=f"{node.name}_erf"))
            node = helper.make_node("Sub", ["one_of_erfc", erf], [node.output[0]], name=node.name)
        graph.node.append(node)


def rename_values(graph: Any, network: ExportedNetwork) -> None:
    """Give a graph's inputs and outputs the network's names."""
    before = [value.name for value in (*graph.input, *graph.output)]
    names = dict(zip(before, (*network.input_names, *network.output_names), strict=True))
    taken = {value for node in graph.node for value in (*node.input, *node.output)} - set(before)
    # A value in between may have the name that an output is to have.
    names |= {name: f"{name}_in_between" for name in taken & set(names.values())}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = names.get(value.name, value.name)
