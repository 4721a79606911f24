"""Where the time of training steps goes, by part and by layer, from TensorFlow's own trace."""

from __future__ import annotations

import logging
import re
from collections import Counter
from pathlib import Path
from typing import Any

import keras

from zoo.autoencoder.internals import read_trace
from zoo.errors import RunError
from zoo.files import write_json

PROFILE_FILE = "profile.json"
SKIPPED, STEPS = 5, 20  # The first steps are slower, so they are not traced.
PARTS = ("input", "encoder", "decoder", "loss", "optimizer", "other")
_OPERATION = re.compile(r"(?P<scope>[^:]*/[^:]*):(?P<kind>\w+)")
logger = logging.getLogger("zoo")


def check_profiler() -> None:
    """Raise ``RunError`` unless TensorFlow, which has the profiler, is the backend."""
    if keras.backend.backend() != "tensorflow":
        raise RunError(f"a profile needs TensorFlow, but Keras runs on {keras.backend.backend()}")


class ProfileSteps(keras.callbacks.Callback):
    """Callback that traces some training steps of the first epoch it sees, and sums up the time.

    The trace is under ``tensorboard/plugins/profile`` (shown by TensorBoard with its profile plugin), the sums are in
    ``profile.json``: ``steps``, ``seconds`` per step, and for each of ``parts`` and ``layers`` the milliseconds per
    step that its operations took, gradients included. Operations in different threads overlap, so the sum may exceed
    the time of the step; ``input`` is the time spent waiting for images.

    Args:
        folder: the run's folder.
        events: the subfolder for TensorBoard.
        steps: training steps per epoch.
    """

    def __init__(self, folder: Path, events: str, steps: int) -> None:
        super().__init__()
        self.folder, self.events = folder, folder / events
        self._first = min(SKIPPED, max(0, steps - 2))
        self._last = min(self._first + STEPS, steps) - 1
        self._state = "waiting"

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Start the trace."""
        import tensorflow as tf

        if self._state == "waiting" and batch >= self._first:
            self._state = "tracing"
            tf.profiler.experimental.start(str(self.events))

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Stop the trace after its last step, and sum it up."""
        if self._state == "tracing" and batch >= self._last:
            self._stop()
            traces = sorted((self.events / "plugins" / "profile").glob("*/*.xplane.pb"))
            try:
                summary = sum_up_trace(traces[-1], self.model, 1 + self._last - self._first)
                write_json(self.folder / PROFILE_FILE, summary)
            except (ImportError, IndexError, ValueError) as error:
                logger.warning("the trace in %s cannot be summed up: %s", self.events, error)

    def close(self) -> None:
        """Stop a trace that an interrupt left open."""
        if self._state == "tracing":
            self._stop()

    def _stop(self) -> None:
        import tensorflow as tf

        self._state = "done"
        tf.profiler.experimental.stop()


def sum_up_trace(file: Path, model: Any, steps: int) -> dict[str, Any]:
    """Sum up the operations of a trace.

    Args:
        file: an ``.xplane.pb`` file.
        model: the ``AutoEncoder`` that was traced.
        steps: the number of steps in the trace.

    Returns:
        See ``ProfileSteps``; the slowest layers come first.

    Raises:
        ImportError: this version of TensorFlow lacks the description of the file's format.
        ValueError: the trace has no operations.
    """
    space = read_trace(file.read_bytes())
    parts: Counter[str] = Counter()
    layers: Counter[str] = Counter()
    begun = ended = 0
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                start = line.timestamp_ns + event.offset_ps // 1000
                begun, ended = min(begun or start, start), max(ended, start + event.duration_ps // 1000)
                if name == "IteratorGetNextOp::DoCompute":
                    parts["input"] += event.duration_ps
                elif operation := _OPERATION.fullmatch(name):
                    part, layer = _place(operation["scope"], model)
                    parts[part] += event.duration_ps
                    if layer:
                        layers[layer] += event.duration_ps
    if not parts:
        raise ValueError("it has no operations")
    return {
        "steps": steps,
        "seconds": (ended - begun) / 1e9 / steps,
        "parts": {part: parts[part] / 1e9 / steps for part in PARTS},
        "layers": {layer: duration / 1e9 / steps for layer, duration in layers.most_common()},
    }


def _place(scope: str, model: Any) -> tuple[str, str | None]:
    """Return the part that an operation belongs to, and the layer: ``encoder/conv2d``."""
    names = scope.split("/")
    for part in ("encoder", "decoder"):
        network = getattr(model, part)
        for name, inside in zip(names, [*names[1:], ""], strict=True):
            if _is_called(name, network.name):
                fits = [layer.name for layer in network.layers if _is_called(inside, layer.name)]
                # TensorFlow numbers all scopes of a trace or none: conv2d_1 is either conv2d or a layer of that name.
                numbered = [layer for layer in fits if (layer != inside) == (name != network.name)]
                return part, f"{part}/{(numbered or fits)[0]}" if fits else None
    if any(_is_called(name, model.optimizer.name) for name in names):
        return "optimizer", None
    return ("loss", None) if any(_is_called(name, model.name) for name in names) else ("other", None)


def _is_called(scope: str, name: str) -> bool:
    """Return whether a scope belongs to a layer: it is the layer's name, or the name with a number added."""
    return scope == name or (scope.startswith(f"{name}_") and scope[len(name) + 1 :].isdigit())
