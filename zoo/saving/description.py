"""Checking a model's configuration, as it stands in a ``.keras`` file, before anything is made from it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from zoo.saving.allowed import is_allowed, is_foreign
from zoo.saving.graphs import MOST_LAYERS, explain_graph, work

MOST_LEVELS = 200  # A model within a model adds four.
_NUMBERS = re.compile(r"bool|bfloat16|u?int(8|16|32|64)|float(16|32|64)")
_SCALARS = (str, int, float, bool, type(None))
# Patterns of names, which Python's re would search for: plain text cannot take long.
_PLAIN_PATTERN = re.compile(r"[\w/ .:-]{0,200}")
# Lengths of loops and lists in constructors, which nothing else in a file bounds.
_MOST = {
    "indices_or_sections": 1000, "k": 10_000, "num_classes": 1000, "num_thresholds": 10_000, "power_iterations": 100,
    "num_kv_heads": 10_000,
}  # fmt: skip
_MOST_STATISTICS = 10_000_000
_TENSOR, _ARRAYS = "__keras_tensor__", ("__numpy__", "__tensor__")


def objects(config: Any) -> Iterator[dict[str, Any]]:
    """Return every dict in a configuration."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def find_size_fault(config: dict[str, Any]) -> str | None:
    """Return why a configuration is too deep or too large to be made, or None: no class is looked up for it."""
    level: list[Any] = [config]
    depth = 0
    while level:
        depth += 1
        if depth > MOST_LEVELS:
            return f"its configuration is nested more than {MOST_LEVELS} levels deep"
        level = [
            value
            for item in level
            for value in (item.values() if isinstance(item, dict) else item)
            if isinstance(value, dict | list)
        ]
    if work(config) > MOST_LAYERS:
        return f"its models call more than {MOST_LAYERS:,} layers"
    return next(filter(None, map(explain_graph, objects(config))), None)


def find_fault(config: dict[str, Any]) -> tuple[str, bool] | None:
    """Return why a configuration must not be made into a model, or None.

    Args:
        config: what ``find_size_fault`` has accepted, after the plugins that it needs were imported.

    Returns:
        The reason, or the name of a class or function that nobody has registered; and whether it is such a name.
    """
    for item in objects(config):
        for key, most in _MOST.items():
            value = item.get(key)
            if isinstance(value, int | float) and value > most:
                return f"it has {key}={str(value)[:30]}, expected at most {most:,}", False
        if "inbound_nodes" in item and (reason := _explain_calls(item)):
            return reason, False
        if "class_name" not in item:
            continue
        name = item["class_name"]
        if isinstance(name, str) and name.startswith("__"):
            reason = _explain_value(item)
        elif is_allowed(item):
            reason = _explain_settings(item)
        else:
            shown = item.get("config") if name == "function" else name
            if is_foreign(item):
                return str(shown)[:100], True
            reason = _refuse_class(f"{item['module']}", str(shown))
        if reason:
            return reason, False
    return None


def _refuse_class(module: str, name: str) -> str:
    way_out = "replace it with a layer class registered with @keras.saving.register_keras_serializable()"
    if module == "keras.layers" and name.isidentifier():
        return f"it has a {name} layer, which runs code from the file, reads files or cannot be bounded: {way_out}"
    return f"it names {module}.{name}"[:200] + f", which is not part of a model that is loaded safely: {way_out}"


def _explain_settings(item: dict[str, Any]) -> str | None:
    """Return what is wrong with the settings of one of the allowed classes, or None."""
    name, config = item["class_name"], item.get("config")
    if not isinstance(config, dict):
        return None
    if item.get("module") == "keras.initializers" and name == "Constant":
        value = config.get("value")
        if not isinstance(value, int | float):
            return "it has a Constant initializer of many values: use an initializer class of your own, registered"
    if item.get("module") == "keras.layers" and name == "Normalization" and config.get("mean") is not None:
        # Keras spreads its numbers over the axes of this shape when it makes the layer.
        built = item.get("build_config")
        shape = built.get("input_shape") if isinstance(built, dict) else None
        sizes: list[Any] = [size for size in shape if size is not None] if isinstance(shape, list) else ["unknown"]
        if not all(type(size) is int for size in sizes) or math.prod(sizes) > _MOST_STATISTICS:
            return f"it has a Normalization of {str(shape)[:60]} values, expected at most {_MOST_STATISTICS:,}"
    patterns = [config.get("exclude_layers"), config.get("policy_map")]
    for pattern in (text for texts in patterns if isinstance(texts, dict | list) for text in texts):
        if not isinstance(pattern, str) or not _PLAIN_PATTERN.fullmatch(pattern):
            return f"{name} has the pattern {str(pattern)[:50]!r}, expected plain text"
    return None


def _explain_value(item: dict[str, Any]) -> str | None:
    """Return what is wrong with a tensor or another value in a configuration, or None."""
    name, config = item["class_name"], item.get("config")
    if name == "__ellipsis__":
        return None
    if name == "__slice__" and isinstance(config, dict):
        numbers = [config.get(key) for key in ("start", "stop", "step")]
        return None if all(it is None or type(it) is int for it in numbers) else "it has a slice of other than ints"
    if name == _TENSOR and isinstance(config, dict):
        history, shape = config.get("keras_history"), config.get("shape")
        placed = isinstance(history, list) and list(map(type, history)) == [str, int, int] and min(history[1:]) >= 0
        sized = isinstance(shape, list) and all(it is None or type(it) is int for it in shape)
        return None if placed and sized else "it has a tensor that no layer makes"
    if name in _ARRAYS and isinstance(config, dict):
        dtype = config.get("dtype")
        known = isinstance(dtype, str) and _NUMBERS.fullmatch(dtype)
        if known and _holds_only(config.get("value"), (int, float, bool)):
            return None
        return f"it has an array of {str(dtype)[:30]!r}, expected one of plain numbers"
    return f"it has a value of the kind {str(name)[:30]!r}, which is not part of a model"


def _explain_calls(item: dict[str, Any]) -> str | None:
    """Return what is wrong with the calls of a layer or an operation in a functional model, or None."""
    nodes, name = item["inbound_nodes"], str(item.get("name"))[:60]
    if not isinstance(nodes, list):
        return f"it says nothing of the calls of {name!r}"
    for node in nodes:
        if not isinstance(node, dict) or not isinstance(node.get("args"), list):
            return f"it has a call of {name!r} that is not one of Keras 3: save it again with Keras 3"
        if not isinstance(node.get("kwargs"), dict):
            return f"it has a call of {name!r} without named arguments"
        if not any(it.get("class_name") == _TENSOR for it in objects([node["args"], node["kwargs"]])):
            return f"it calls {name!r} on values, which would be computed while the file is loaded: expected tensors"
        for value in objects([node["args"], node["kwargs"]]):
            if "class_name" in value and not str(value["class_name"]).startswith("__"):
                return f"it passes {str(value['class_name'])[:60]!r} to {name!r}, expected tensors and plain values"
    return None


def _holds_only(value: Any, types: tuple[type, ...]) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif not isinstance(item, types):
            return False
    return True
