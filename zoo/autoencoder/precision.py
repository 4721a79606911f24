"""Training steps in bfloat16 of a model that is float32 otherwise."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from zoo.registry.recipe import PRECISIONS

_CPU_FACTS = Path("/proc/cpuinfo")
_FAST = {"avx512_bf16", "amx_bf16"}  # Instructions that multiply bfloat16.

_compute_dtype: contextvars.ContextVar[str] = contextvars.ContextVar("zoo_compute_dtype", default="float32")


@keras.saving.register_keras_serializable(package="zoo")
class TrainingPolicy(keras.DTypePolicy):
    """The dtype policy of what the zoo builds: float32, but bfloat16 in a training step that computes in it.

    As with Keras' ``mixed_bfloat16``, weights stay float32, and a layer with a dtype of its own keeps it. Validation,
    scores and every other use of the model are in float32, on every machine.
    """

    def __init__(self, name: str = "float32") -> None:
        super().__init__(name)

    @property
    def compute_dtype(self) -> str:
        """What layers compute in just now."""
        return _compute_dtype.get()


def resolve_precision(precision: str) -> str:
    """Return ``float32`` or ``bfloat16``.

    Args:
        precision: one of these, or ``auto``: bfloat16 where it is faster and was found to train as well, which is
            TensorFlow on a CPU with instructions for it (AVX512-BF16 or AMX; looked up on Linux), else float32.

    Raises:
        ValueError: none of these.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}: expected one of {', '.join(PRECISIONS)}")
    if precision != "auto":
        return precision
    return "bfloat16" if keras.backend.backend() == "tensorflow" and _is_fast() else "float32"


def find_obstacle(model: Any) -> str | None:
    """Return what keeps an ``AutoEncoder`` from computing in bfloat16 on TensorFlow; None if nothing does.

    Encoder and decoder are traced, not run. A layer that mixes its input with a float32 constant cannot, for instance.
    """
    import tensorflow as tf

    def call(images: Any, z: Any) -> None:
        model.encoder(images, training=True)
        model.decoder(z, training=True)

    shapes = [tf.TensorSpec((None, *shape), "float32") for shape in (model.image_shape, model.latent_shape)]
    try:
        with computing_in("bfloat16"):
            tf.function(call, autograph=False).get_concrete_function(*shapes)
    except Exception as error:  # whatever a layer raises
        return " ".join(str(error).split())
    return None


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Let layers of a ``TrainingPolicy`` compute in ``float32`` or ``bfloat16``."""
    token = _compute_dtype.set(precision)
    try:
        yield
    finally:
        _compute_dtype.reset(token)


@contextlib.contextmanager
def training_policy() -> Iterator[None]:
    """Yield layers that are made meanwhile a ``TrainingPolicy``, unless a policy other than float32 was asked for."""
    before = keras.config.dtype_policy()
    if before != keras.DTypePolicy("float32"):
        yield
        return
    keras.config.set_dtype_policy(TrainingPolicy())
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def restore_policies(model: keras.Model, config: Mapping[str, Any]) -> None:
    """Return the layers of a model back the policies of its configuration, of which Keras reads the names alone.

    Args:
        model: a functional or Sequential model as it was made from the configuration, under ``training_policy``.
        config: its serialized form.
    """
    layers = {layer.name: layer for layer in model.layers}
    for item in config["config"].get("layers", ()):
        inner = item["config"]
        # A functional model keeps names beside the layers, whose own configuration may have none.
        layer = layers.get(item.get("name") or inner.get("name"))
        if layer is None:  # Without a name, or a Sequential model's input, which is none of its layers.
            continue
        if isinstance(inner.get("dtype"), dict) and inner["dtype"].get("class_name") == TrainingPolicy.__name__:
            layer.dtype_policy = TrainingPolicy()
        if isinstance(layer, keras.Model):
            restore_policies(layer, item)


@functools.cache
def _is_fast() -> bool:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU") or not _CPU_FACTS.is_file():
        return False
    return not _FAST.isdisjoint(_CPU_FACTS.read_text(encoding="utf-8", errors="replace").split())
