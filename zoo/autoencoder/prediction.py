"""Compiled passes of parts of a model over NumPy arrays."""

from __future__ import annotations

import contextlib
import functools
import logging
import warnings
from collections.abc import Iterator
from typing import Any, TypeVar

import keras
import numpy as np
from keras import ops

from zoo.autoencoder.checks.activations import fitting_batch, largest_layer
from zoo.autoencoder.checks.labels import Inputs, as_given, pad, values_of
from zoo.autoencoder.checks.values import values_checked
from zoo.autoencoder.checks.weights import describe_structure, find_broken
from zoo.autoencoder.on_device.loop import is_wanted
from zoo.autoencoder.on_device.prediction import count_batches, predict_many
from zoo.autoencoder.replicas import count_images
from zoo.data.mapped import release
from zoo.typing import Tensor

BATCH = 128


class Pass(keras.Model):
    """A compiled pass of parts of a model over arrays; a subclass defines ``call``.

    Args:
        model: a ``LatentModel``, whose parts it calls.
        name: its name in graphs.

    Attributes:
        any_size: whether batches of all sizes are expected, so that TensorFlow's function is made for any size at once.
    """

    any_size = False

    def __init__(self, model: Any, name: str) -> None:
        super().__init__(autocast=False, name=name)
        self.model = model

    @functools.cached_property
    def _functions(self) -> dict[Any, Any]:
        """TensorFlow's functions by the types and shapes of their inputs."""
        return {}

    @functools.cached_property
    def cost(self) -> tuple[int, str]:
        """The most bytes that a layer takes for one image, and the layer's name."""
        return largest_layer(self.model)

    def run(self, inputs: Any) -> Any:
        """Return the outputs for an array, or for a tuple of arrays or tuples, as NumPy arrays.

        On TensorFlow the function is called directly: Keras' ``predict_on_batch`` takes longer than a small model.
        """
        with without_retracing_warnings():
            if keras.backend.backend() != "tensorflow":
                with values_checked():
                    return self.predict_on_batch(inputs)
            import tensorflow as tf

            tensors = keras.tree.map_structure(tf.convert_to_tensor, inputs)
            flat = tuple(keras.tree.flatten(tensors))
            outputs = self._function(tensors, flat)(*flat)
            return keras.tree.map_structure(lambda output: output.numpy(), outputs)

    def _function(self, tensors: Any, flat: tuple[Any, ...]) -> Any:
        """Return the function for tensors: of the first size of a batch, or else of any."""
        import tensorflow as tf

        key = tuple((it.dtype, tuple(it.shape)) for it in flat)
        count: int | None = len(flat[0])
        if key not in self._functions and (self._functions or self.any_size):
            count, key = None, tuple((it.dtype, (None, *it.shape[1:])) for it in flat)
        if key not in self._functions:
            shapes = keras.tree.map_structure(lambda it: tf.TensorSpec((count, *it.shape[1:]), it.dtype), tensors)
            compiling = tf.function(autograph=False, jit_compile=self.jit_compile or None)
            self._functions[key] = compiling(lambda given: self(given)).get_concrete_function(shapes)
        return self._functions[key]


Kind = TypeVar("Kind", bound=Pass)


def traced(model: Any, kind: type[Kind], *arguments: Any) -> Kind:
    """Return ``kind(model, *arguments)``, cached until the model changes: tracing may take longer than running it.

    Args:
        model: a ``LatentModel``, whose parts it calls.
        kind: a class of passes.
        *arguments: its further arguments.
    """
    structure = describe_structure(model.encoder, model.decoder)
    parts = (model.encoder, model.decoder, model.likelihood, model.binarization)
    key, kept = (kind, *arguments), model.traced_passes
    if (
        key not in kept
        or kept[key][0] != structure
        or any(a is not b for a, b in zip(kept[key][1], parts, strict=True))
    ):
        kept[key] = structure, parts, kind(model, *arguments)
    made: Kind = kept[key][2]
    return made


def predict_in_batches(given: Pass, inputs: Inputs, whole: int | None = None) -> Any:
    """Return the outputs of a pass for arrays, of which nothing but the outputs stays in memory.

    All batches are full except a single short one, so that draws do not depend on how many there are.

    Args:
        given: a pass, as ``traced`` returns it.
        inputs: images or latents, with labels or without.
        whole: the number of images of which these are some; None: these are all.

    Raises:
        ValueError: not even a single image fits into memory.
    """
    count = len(inputs)
    batch = fitting_batch(given.cost, min(whole or count, BATCH))
    if (whole or count) <= batch:
        return given.run(as_given(inputs))
    results: Any = None
    many = is_wanted()
    size = batch * count_batches(inputs, batch) if many else batch
    for start in range(0, count, size):
        # Padded, since each new size may be compiled again.
        part = inputs[start : start + size]
        stop = start + len(part)
        part = as_given(pad(part, -(-len(part) // batch) * batch))
        outputs = predict_many(given, part, batch) if many else given.run(part)
        if results is None:
            results = keras.tree.map_structure(lambda it: np.empty((count, *it.shape[1:]), it.dtype), outputs)
        for result, output in zip(keras.tree.flatten(results), keras.tree.flatten(outputs), strict=True):
            result[start:stop] = output[: stop - start]
    release(values_of(inputs))
    return results


@contextlib.contextmanager
def without_retracing_warnings() -> Iterator[None]:
    """Drop TensorFlow's warning that a function is traced too often.

    TensorFlow takes the passes of all models for one function, since they share Keras' code. Its advice does not apply,
    because each pass is traced once.
    """
    logger = logging.getLogger("tensorflow")
    logger.addFilter(_is_not_of_retracing)
    try:
        yield
    finally:
        logger.removeFilter(_is_not_of_retracing)


def _is_not_of_retracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in str(record.msg)


class EncodePass(Pass):
    """A compiled pass from images to the parameters of the posterior."""

    any_size = True

    def __init__(self, model: Any) -> None:
        super().__init__(model, "encode")

    def call(self, images: Any) -> list[Tensor]:
        """Return the mean and standard deviation, and the sum of the weights for each image."""
        mean, std = self.model.posterior_parameters(self.model.prepare(images))
        total = _sum_of_weights(self.model.encoder, images)
        if self.model.posterior == "hierarchical":  # It goes through the decoder too.
            total = total + _sum_of_weights(self.model.decoder, images)
        return [mean, std, total]


class DecodePass(Pass):
    """A compiled pass from z to the mean image."""

    any_size = True

    def __init__(self, model: Any) -> None:
        super().__init__(model, "decode")

    def call(self, z: Any) -> list[Tensor]:
        """Return the mean images, and the sum of the weights for each."""
        images = self.model.likelihood.mean(self.model.decoder(z, training=False))
        return [images, _sum_of_weights(self.model.decoder, z)]


def _sum_of_weights(part: keras.Model, batch: Any) -> Tensor:
    """Return the sum of all weights, once for each entry of the batch: not finite if a weight is not."""
    sums = [ops.sum(weight if weight.dtype == "float32" else ops.cast(weight, "float32")) for weight in part.weights]
    return ops.broadcast_to(ops.sum(ops.stack(sums)) if sums else ops.zeros(()), (count_images(batch),))


def run_pass(model: Any, kind: type[Pass], inputs: Inputs) -> list[np.ndarray]:
    """Return the outputs of ``EncodePass`` or ``DecodePass`` for images or latents, with labels or without.

    If a weight is NaN or infinite, all of them are NaN, and a warning names the weight: a rectifier may have turned NaN
    into zeros, which look like a result.
    """
    outputs: list[np.ndarray]
    *outputs, totals = predict_in_batches(traced(model, kind), inputs)
    if not np.isfinite(totals).all():
        broken = find_broken(model)  # The sum of finite weights may overflow.
        if broken is not None:
            warnings.warn(f"{broken}: the result is NaN", RuntimeWarning, stacklevel=3)
            return [np.full_like(output, np.nan) for output in outputs]
    return outputs
