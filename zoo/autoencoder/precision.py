"""Training steps in bfloat16 for a model that is otherwise float32."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from zoo.registry.recipe import PRECISIONS

_CPU_FACTS = Path("/proc/cpuinfo")
_FAST = {"avx512_bf16", "amx_bf16"}  # Instructions that multiply bfloat16.
_FAST_GPU = (8, 0)  # The compute capability of the first of NVIDIA's GPUs that do.

_compute_dtype: contextvars.ContextVar[str] = contextvars.ContextVar("zoo_compute_dtype", default="float32")
_limit: contextvars.ContextVar[Iterator[int] | None] = contextvars.ContextVar("zoo_limit", default=None)
_LOOKS = 10  # How often a layer asks for its dtype while it is built and called, at least twice too many.


@keras.saving.register_keras_serializable(package="zoo")
class TrainingPolicy(keras.DTypePolicy):
    """The dtype policy of models that the zoo builds: float32, except in training steps that compute in bfloat16.

    As with Keras' ``mixed_bfloat16``, weights stay float32, and a layer with an explicit dtype keeps it. Validation,
    scores and every other use of the model are in float32, on every machine.
    """

    def __init__(self, name: str = "float32") -> None:
        super().__init__(name)

    @property
    def compute_dtype(self) -> str:
        """The dtype that layers currently compute in."""
        limit = _limit.get()
        if limit is not None and next(limit, None) is None:
            raise ValueError("it has too many layers")
        return _compute_dtype.get()


def resolve_precision(precision: str) -> str:
    """Return ``float32`` or ``bfloat16``.

    Args:
        precision: one of these, or ``auto``: bfloat16 where it is faster, which is TensorFlow on a CPU with
            instructions for it (AVX512-BF16 or AMX; detected on Linux), and NVIDIA's GPUs of a compute capability of
            at least 8.0 on every backend; otherwise float32.

    Raises:
        ValueError: any other precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}: expected one of {', '.join(PRECISIONS)}")
    if precision != "auto":
        return precision
    return "bfloat16" if _is_fast() else "float32"


def find_obstacle(model: Any) -> str | None:
    """Return what prevents an ``AutoEncoder`` from computing in bfloat16, or None.

    Encoder and decoder are traced on TensorFlow and JAX, and run on two images on PyTorch. One obstacle is a layer that
    mixes its input with a float32 constant, which TensorFlow refuses.
    """

    def call(images: Any, z: Any) -> tuple[Any, Any]:
        images = model.with_placeholders(images)
        inputs = model.decoder_inputs(z, images)
        return model.posterior_parameters(images, training=True), model.decoder(inputs, training=True)

    try:
        with computing_in("bfloat16"):
            _trace(call, model.image_shape, model.latent_shape)
    except Exception as error:  # whatever a layer raises
        return " ".join(str(error).split())
    return None


def _trace(call: Callable[..., Any], *shapes: tuple[int, ...]) -> None:
    """Trace a function of float32 batches of those shapes."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        batches = [tf.TensorSpec((None, *shape), "float32") for shape in shapes]
        tf.function(call, autograph=False).get_concrete_function(*batches)
        return
    if keras.backend.backend() == "jax":
        import jax

        with keras.StatelessScope():
            jax.eval_shape(call, *(jax.ShapeDtypeStruct((2, *shape), "float32") for shape in shapes))
        return
    # PyTorch traces nothing: a batch of two images shows the same.
    with keras.StatelessScope():
        call(*(keras.ops.zeros((2, *shape), "float32") for shape in shapes))


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Let layers with a ``TrainingPolicy`` compute in ``float32`` or ``bfloat16``."""
    token = _compute_dtype.set(precision)
    try:
        yield
    finally:
        _compute_dtype.reset(token)


@contextlib.contextmanager
def training_policy() -> Iterator[None]:
    """Build layers with a ``TrainingPolicy`` in this context, unless the global policy is not float32."""
    before = keras.config.dtype_policy()
    if before != keras.DTypePolicy("float32"):
        yield
        return
    keras.config.set_dtype_policy(TrainingPolicy())
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def limited_layers(most: int) -> Iterator[None]:
    """Let building a network with ``TrainingPolicy`` end with ``ValueError`` if it has many more layers than ``most``.

    A builder with options from elsewhere may be asked for more layers than can be built in any time.
    """
    token = _limit.set(iter(range(_LOOKS * most)))
    try:
        yield
    finally:
        _limit.reset(token)


def restore_policies(model: keras.Model, config: Mapping[str, Any]) -> None:
    """Restore the policies of a model's layers from its configuration, of which Keras reads only the names.

    Args:
        model: a functional or Sequential model made from the configuration under ``training_policy``.
        config: its serialized form.
    """
    layers = {layer.name: layer for layer in model.layers}
    for item in config["config"].get("layers", ()):
        inner = item["config"]
        # A functional model stores names next to the layers, whose configurations may lack them.
        layer = layers.get(item.get("name") or inner.get("name"))
        if layer is None:  # It has no name, or is a Sequential model's input, which is not one of its layers.
            continue
        if isinstance(inner.get("dtype"), dict) and inner["dtype"].get("class_name") == TrainingPolicy.__name__:
            layer.dtype_policy = TrainingPolicy()
        if isinstance(layer, keras.Model):
            restore_policies(layer, item)


@functools.cache
def _is_fast() -> bool:
    backend = keras.backend.backend()
    gpus = {"tensorflow": _tensorflow_gpus, "jax": _jax_gpus, "torch": _torch_gpus}.get(backend)
    capabilities = gpus() if gpus else []
    if capabilities:
        return min(capabilities) >= _FAST_GPU
    if backend != "tensorflow" or not _CPU_FACTS.is_file():
        return False
    return not _FAST.isdisjoint(_CPU_FACTS.read_text(encoding="utf-8", errors="replace").split())


def _tensorflow_gpus() -> list[tuple[int, ...]]:
    """Return the compute capability of each GPU that TensorFlow uses; ``(0,)`` if it has none, as another maker's."""
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return [tuple(it.get("compute_capability", (0,))) for it in details]


def _jax_gpus() -> list[tuple[int, ...]]:
    """Return the same for JAX."""
    import jax

    found = []
    for device in jax.local_devices():
        if device.platform == "gpu":
            numbers = re.fullmatch(r"(\d+)\.(\d+)", str(getattr(device, "compute_capability", "")))
            found.append(tuple(map(int, numbers.groups())) if numbers else (0,))
    return found


def _torch_gpus() -> list[tuple[int, ...]]:
    """Return the same for PyTorch."""
    import torch

    numbers = (torch.cuda.get_device_capability(index) for index in range(torch.cuda.device_count()))
    return [(0,) if torch.version.hip else tuple(it) for it in numbers]
