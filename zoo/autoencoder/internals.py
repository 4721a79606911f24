"""All uses of private parts of Keras or TensorFlow; each function states the version that it was written for.

If a new version removes such a part, the test named after it fails.
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping
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


def build_state(model: Any, batch: Any) -> bool:
    """Create the variables of metrics passed to ``compile``, which Keras does at its first batch (Keras 3.15.1).

    Returns:
        Whether there were any to create.
    """
    missing = model._compile_metrics is not None and not model._compile_metrics.built
    model._symbolic_build(data_batch=batch)
    return missing


def is_called_by_fit(arguments: Mapping[str, Any]) -> bool:
    """Whether ``evaluate`` is called by ``fit``, with data that Keras has already wrapped (Keras 3.15.1)."""
    return bool(arguments.get("_use_cached_eval_dataset"))


def name_publicly(serialized: Any) -> Any:
    """Return a serialized object in which Keras' optimizers for PyTorch have their public names (Keras 3.15.1).

    ``keras.optimizers.Adam()`` is of another class there, which the other backends cannot import.
    """
    if isinstance(serialized, dict):
        if str(serialized.get("module")).startswith("keras.src.backend.torch.optimizers."):
            serialized = serialized | {"module": "keras.optimizers", "registered_name": None}
        return {key: name_publicly(value) for key, value in serialized.items()}
    return [name_publicly(it) for it in serialized] if isinstance(serialized, list) else serialized


def adam_moments(optimizer: Any, variable: Any) -> tuple[Any, Any]:
    """Return Adam's two moving averages of a weight's gradient, as backend variables (Keras 3.15.1)."""
    index = optimizer._get_variable_index(variable)
    return optimizer._momentums[index].value, optimizer._velocities[index].value


def averaged_weights(optimizer: Any) -> list[tuple[Any, Any]]:
    """Return the weights of an optimizer with ``use_ema``, and the average of each (Keras 3.15.1)."""
    return list(zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True))


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


@contextlib.contextmanager
def sketching() -> Iterator[list[Any]]:
    """Build networks whose variables have shapes, and no values that would need memory (Keras 3.15.1).

    Keras would give them values when it next leaves a ``StatelessScope``, wherever that is.

    Yields:
        The variables, for ``give_values``.
    """
    import keras
    from keras.src.backend.common import global_state

    waiting = "uninitialized_variables"
    others = global_state.get_global_attribute(waiting)
    variables: list[Any] = []
    global_state.set_global_attribute(waiting, variables)
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield variables
    finally:
        global_state.set_global_attribute(waiting, others)


def give_values(variables: Iterable[Any]) -> None:
    """Give variables that were made while ``sketching`` their initial values (Keras 3.15.1)."""
    for variable in variables:
        variable._deferred_initialize()


def rename(model: Any, names: Mapping[str, str]) -> None:
    """Give a functional model and its layers other names, also in the paths of their variables (Keras 3.15.1).

    Args:
        model: the model.
        names: the new names by the old ones.
    """
    # Operations, such as a sum, are no layers.
    found = [it for layer in all_layers(model) for it in (layer, *getattr(layer, "operations", ()))]
    for operation in {id(it): it for it in found}.values():
        operation.name = names.get(operation.name, operation.name)
    for tensor in model.inputs:
        tensor.name = names.get(tensor.name, tensor.name)
    model.output_names = [names.get(name, name) for name in model.output_names]
    for variable in model.variables:
        variable._path = "/".join(names.get(name, name) for name in variable.path.split("/"))


def describe_only(config: Mapping[str, Any], parts: Mapping[str, Any] | None) -> tuple[int, int]:
    """Return the number of values and of bytes of a saved model and its optimizer, without allocating any.

    Args:
        config: a configuration as in ``config.json`` (Keras 3.15.1).
        parts: the encoder and the decoder by name; None to make them from the configuration.

    Raises:
        Exception: whatever Keras raises if it cannot make the model.
    """
    import keras
    from keras.src.saving.serialization_lib import ObjectSharingScope

    compiled = config.get("compile_config")
    given = compiled.get("optimizer") if isinstance(compiled, dict) else None
    with sketching(), ObjectSharingScope():
        described = _with_parts({**config, "compile_config": None}, parts)
        model = keras.saving.deserialize_keras_object(described, safe_mode=True)
    counts = [(math.prod(it.shape), _bits(it.dtype)) for it in model.variables]
    if given is not None:
        slots = _count_slots(keras.optimizers.get(copy.deepcopy(given)))
        counts += [(slots * math.prod(it.shape), _bits(it.dtype)) for it in model.trainable_variables]
    return sum(count for count, _ in counts), sum(count * bits // 8 for count, bits in counts)


def _with_parts(config: Mapping[str, Any], parts: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a copy of a configuration, with parts that were built in place of those that it describes."""
    inner = {key: value for key, value in config["config"].items() if key not in (parts or ())}
    copied = copy.deepcopy({**config, "config": inner})
    copied["config"] |= parts or {}
    return copied


def _count_slots(optimizer: Any) -> int:
    """Return how many variables of a weight's shape an optimizer keeps for each weight."""
    import keras

    shape = (2, 3)
    optimizer.build([keras.Variable(keras.ops.zeros(shape))])
    return sum(tuple(it.shape) == shape for it in optimizer.variables)


def _bits(dtype: str) -> int:
    digits = re.search(r"\d+", dtype)
    return max(8, int(digits[0])) if digits else 8


def make_saved_model(config: Mapping[str, Any], weights: bytes, parts: Mapping[str, Any] | None) -> Any:
    """Return the model of a ``.keras`` file's parts, compiled as it was, as ``keras.saving.load_model`` does (3.15.1).

    Keras takes a file's name alone and would read it anew.

    Args:
        config: a configuration as in ``config.json``.
        weights: the content of ``model.weights.h5``.
        parts: the encoder and the decoder by name; None to make them from the configuration.

    Raises:
        Exception: whatever Keras raises if it cannot make the model, or if arrays are missing or of other shapes.
    """
    import keras
    from keras.src.saving import saving_lib
    from keras.src.saving.serialization_lib import ObjectSharingScope

    with ObjectSharingScope():
        model = keras.saving.deserialize_keras_object(_with_parts(config, parts), safe_mode=True)
    store = saving_lib.H5IOStore(io.BytesIO(weights), mode="r")
    failed: set[int] = set()
    errors: dict[int, tuple[Any, Exception]] = {}
    try:
        saving_lib._load_state(
            model, weights_store=store, assets_store=None, inner_path="",
            visited_saveables=set(), failed_saveables=failed, error_msgs=errors,
        )  # fmt: skip
    finally:
        store.close()
    if failed:
        saving_lib._raise_loading_failure(errors)
    return model


def call_shapes(model: Any) -> Iterator[tuple[str, list[tuple[int | None, ...]]]]:
    """Yield the name and the shapes of all inputs and outputs of each call of a layer (Keras 3.15.1).

    Args:
        model: a functional or Sequential model; those within it are entered, other layers are not.
    """
    for operation in getattr(getattr(model, "_functional", None) or model, "operations", ()):
        for node in operation._inbound_nodes:
            yield operation.name, [tuple(it.shape) for it in (*node.input_tensors, *node.output_tensors)]
        if hasattr(operation, "layers"):
            yield from call_shapes(operation)
