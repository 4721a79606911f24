"""What a page's network is made of, while it is made: values by name, their shapes, and operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.explorer.weights import Blob

LARGEST_EXACT = 2**24  # Larger whole numbers are not exact in float32, which is all that the page has.


class UnsupportedError(Exception):
    """An operator, or a use of one, that the page does not compute; the message goes on after its name."""


@dataclass(frozen=True)
class Node:
    """An ONNX operator.

    Args:
        op: its kind, such as ``Conv``.
        name: its name, in which converters keep the layer's.
        inputs: names of values; empty for one that is left out.
        outputs: likewise.
        attributes: as ``onnx.helper`` returns them.
    """

    op: str
    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Mapping[str, Any]

    def get(self, name: str, default: Any) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, default)

    def renamed(self, op: str) -> Node:
        """Return the same operator of another kind."""
        return replace(self, op=op)


class Builder:
    """A network of the page's operators in the making.

    Args:
        shapes: of every value.
        dtypes: likewise.
        constants: the values that are known.
    """

    def __init__(
        self, shapes: dict[str, tuple[int, ...]], dtypes: Mapping[str, np.dtype[Any]], constants: dict[str, np.ndarray]
    ) -> None:
        self.shapes, self.dtypes, self.constants = shapes, dtypes, constants
        self.operators: list[tuple[str, list[str], str, dict[str, Any]]] = []
        self._made = 0

    def emit(self, node: Node, kind: str, inputs: Sequence[str], output: str | None = None, **settings: Any) -> None:
        """Add an operator that computes an output of a node, by default its first."""
        self.operators.append((kind, list(inputs), output or node.outputs[0], settings))

    def add(self, kind: str, inputs: Sequence[str], shape: Sequence[int], **settings: Any) -> str:
        """Add an operator in between; return its value's name."""
        name = self._new_name()
        self.shapes[name] = tuple(shape)
        self.operators.append((kind, list(inputs), name, settings))
        return name

    def add_constant(self, array: np.ndarray) -> str:
        """Return the name of a new known value."""
        name = self._new_name()
        self.constants[name] = np.asarray(array, "float32")
        self.shapes[name] = self.constants[name].shape
        return name

    def scalar(self, value: float) -> str:
        """Return the name of a known number."""
        return self.add_constant(np.asarray(value, "float32"))

    def _new_name(self) -> str:
        self._made += 1
        return f"{self._made}/between"  # No value of a network is called so.

    def broadcast(self, *names: str) -> tuple[int, ...]:
        """Return the shape of what is computed elementwise."""
        return np.broadcast_shapes(*(self.shapes[name] for name in names))

    def constant(self, node: Node, index: int) -> Any:
        """Return an input that has to be known, or None if it is left out."""
        if index >= len(node.inputs) or not node.inputs[index]:
            return None
        return self.need_constant(node, index)

    def need_constant(self, node: Node, index: int) -> Any:
        """Return an input that has to be known."""
        try:
            return self.constants[node.inputs[index]]
        except KeyError:
            raise UnsupportedError("whose settings or weights are computed") from None

    def finish(self, inputs: Sequence[str], outputs: Sequence[str], blob: Blob) -> dict[str, Any]:
        """Return the network as the page reads it, and add its weights to the blob."""
        numbers: dict[str, int] = {}
        weights = []
        used = [name for _, names, _, _ in self.operators for name in names]
        for name in dict.fromkeys([*inputs, *used, *(it for _, _, it, _ in self.operators), *outputs]):
            numbers[name] = len(numbers)
            if name in self.constants:
                weights.append([numbers[name], *blob.add(_as_floats(self.constants[name]))])
        return {
            "inputs": [numbers[name] for name in inputs],
            "outputs": [numbers[name] for name in outputs],
            "shapes": [list(self.shapes[name]) for name in numbers],
            "weights": weights,
            "operators": [
                [kind, [numbers[name] for name in names], numbers[output], settings]
                for kind, names, output, settings in self.operators
            ],
        }


def _as_floats(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "iu" and np.abs(array).max(initial=0) > LARGEST_EXACT:
        raise UnsupportedError("with whole numbers that float32 cannot hold")
    return array.astype("float32")
