"""How much work it is to make the models that a ``.keras`` file describes, counted before any is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MOST_LAYERS = 10_000  # Keras makes some thousands a second.
_MOST_PASSES = 30  # Over the layers of a functional model, until each has its inputs; Keras writes them in order.


def work(item: Any) -> int:
    """Return how many layers are called when a model is made, those of models within models each time.

    A functional model calls its layers once when it is made, and again with each call of it.
    """
    if isinstance(item, list):
        return sum(map(work, item))
    if not isinstance(item, dict):
        return 0
    inner = sum(map(work, item.values()))
    if "class_name" not in item or str(item["class_name"]).startswith("__"):
        return inner
    nodes = item.get("inbound_nodes")
    calls = len(nodes) if isinstance(nodes, list) else 0
    # Policies, initialisers and the like take a fraction of a layer's time.
    own = 0 if item.get("module") in ("keras", "keras.initializers") and calls == 0 else 1
    return (inner + own) * (1 + calls)


def explain_graph(item: dict[str, Any]) -> str | None:
    """Return why Keras could not put a functional model together in reasonable time, or None.

    Keras goes over all layers again and again and makes those calls whose inputs exist by then.
    """
    config = item.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list) or not isinstance(config, dict) or "input_layers" not in config:
        return None
    waiting: dict[str, list[list[tuple[str, int]]]] = {}
    for layer in layers:
        name = layer.get("name") if isinstance(layer, dict) else None
        nodes = layer.get("inbound_nodes") if isinstance(layer, dict) else None
        if not isinstance(name, str) or not isinstance(nodes, list):
            return "a layer of a functional model has no name or no calls"
        if name in waiting:
            return f"two layers of a functional model are called {name[:60]!r}"
        waiting[name] = [list(_sources(node)) for node in reversed(nodes)]
    made = {name: 0 if calls else 1 for name, calls in waiting.items()}
    for _ in range(_MOST_PASSES):
        waiting = {name: calls for name, calls in waiting.items() if calls}
        if not waiting:
            return None
        for name, calls in waiting.items():
            while calls and all(made.get(source, 0) > index for source, index in calls[-1]):
                calls.pop()
                made[name] += 1
    return "the layers of a functional model are not in the order of their calls, or some have no input"


def _sources(node: Any) -> Iterator[tuple[str, int]]:
    """Return the layers whose outputs a call takes: their names, and which of their calls."""
    pending = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            history = item["config"].get("keras_history") if isinstance(item.get("config"), dict) else None
            if item.get("class_name") == "__keras_tensor__" and isinstance(history, list) and len(history) > 1:
                yield str(history[0]), history[1] if isinstance(history[1], int) else 0
            else:
                pending.extend(item.values())
