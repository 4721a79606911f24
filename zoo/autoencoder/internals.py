"""Everything that touches private parts of Keras or TensorFlow; each function says in which version it was read.

A test for each of them fails by its name when a new version takes the part away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def forget_added_losses(model: Any) -> None:
    """Drop what ``add_loss`` has collected in a model and its layers, as calling the model would (Keras 3.15.1).

    Needed where encoder and decoder are called one by one: losses of the graph that was traced before would stay.
    """
    model._clear_losses()


def is_called_by_fit(arguments: Mapping[str, Any]) -> bool:
    """Return whether ``evaluate`` is called by ``fit``, with data that Keras has wrapped already (Keras 3.15.1)."""
    return bool(arguments.get("_use_cached_eval_dataset"))


def adam_moments(optimizer: Any, variable: Any) -> tuple[Any, Any]:
    """Return Adam's two moving averages of a weight's gradient, as variables of the backend (Keras 3.15.1)."""
    index = optimizer._get_variable_index(variable)
    return optimizer._momentums[index].value, optimizer._velocities[index].value


def is_deterministic() -> bool:
    """Return whether TensorFlow uses only operations that repeat to the bit (TensorFlow 2.21)."""
    from tensorflow.python.framework import config

    return bool(config.is_op_determinism_enabled())


def leave_determinism() -> None:
    """Let TensorFlow use any operation again; its public interface has no way back (TensorFlow 2.21)."""
    from tensorflow.python.framework import config

    config.disable_op_determinism()


def read_trace(content: bytes) -> Any:
    """Return the profiler's trace as a protocol buffer, ``XSpace`` (TensorFlow 2.21)."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # type: ignore[import-not-found,unused-ignore]

    return xplane_pb2.XSpace.FromString(content)


def function_graph(graph: Any, name: str) -> Any | None:
    """Return the graph of a function that an operation of a graph calls, or None (TensorFlow 2.21)."""
    return getattr(graph._get_function(name), "graph", None)
