"""All uses of private parts of Keras or TensorFlow; each function states the version that it was written for.

If a new version removes such a part, the test named after it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def all_layers(model: Any) -> Any:
    """Return an iterator over a model, its layers and theirs (Keras 3.15.1)."""
    return model._flatten_layers()


def own_variables(layer: Any) -> list[Any]:
    """Return a layer's variables without those of its layers, in the order in which a file has them (Keras 3.15.1)."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def forget_added_losses(model: Any) -> None:
    """Drop the losses that ``add_loss`` has collected in a model and its layers, as a call would (Keras 3.15.1).

    Needed where encoder and decoder are called separately: losses from a previously traced graph would remain.
    """
    model._clear_losses()


def loss_tracker(model: Any) -> Any:
    """Return the metric in which Keras keeps the running mean of the loss (Keras 3.15.1)."""
    return model._loss_tracker


def is_called_by_fit(arguments: Mapping[str, Any]) -> bool:
    """Whether ``evaluate`` is called by ``fit``, with data that Keras has already wrapped (Keras 3.15.1)."""
    return bool(arguments.get("_use_cached_eval_dataset"))


def adam_moments(optimizer: Any, variable: Any) -> tuple[Any, Any]:
    """Return Adam's two moving averages of a weight's gradient, as backend variables (Keras 3.15.1)."""
    index = optimizer._get_variable_index(variable)
    return optimizer._momentums[index].value, optimizer._velocities[index].value


def is_deterministic() -> bool:
    """Whether TensorFlow uses only deterministic operations (TensorFlow 2.21)."""
    from tensorflow.python.framework import config

    return bool(config.is_op_determinism_enabled())


def leave_determinism() -> None:
    """Let TensorFlow use any operation again; its public API cannot undo determinism (TensorFlow 2.21)."""
    from tensorflow.python.framework import config

    config.disable_op_determinism()


def read_trace(content: bytes) -> Any:
    """Return the profiler's trace as a protocol buffer, ``XSpace`` (TensorFlow 2.21)."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # type: ignore[import-not-found,unused-ignore]

    return xplane_pb2.XSpace.FromString(content)


def function_graph(graph: Any, name: str) -> Any | None:
    """Return the graph of a function that an operation of a graph calls, or None (TensorFlow 2.21)."""
    return getattr(graph._get_function(name), "graph", None)
