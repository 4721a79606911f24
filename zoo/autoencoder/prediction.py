"""Compiled passes of parts of a model over NumPy arrays."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from typing import Any, TypeVar

import keras
import numpy as np
from keras import ops

from zoo.autoencoder.checks.activations import largest_batch
from zoo.autoencoder.checks.weights import describe_structure, find_broken
from zoo.autoencoder.tf_pipeline import stream
from zoo.typing import Tensor

BATCH = 128
Pass = TypeVar("Pass", bound=keras.Model)


def traced(model: Any, kind: type[Pass], *arguments: Any) -> Pass:
    """Return ``kind(model, *arguments)``, cached until the model changes: tracing may take longer than running it.

    Args:
        model: a ``LatentModel``, whose parts it calls.
        kind: a class of Keras models.
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
    made: Pass = kept[key][2]
    return made


def predict_in_batches(model: Any, inputs: np.ndarray) -> Any:
    """Return the outputs of a pass for arrays; all batches are full except a single short one, as each is compiled.

    Args:
        model: a pass, as ``traced`` returns it, with the ``AutoEncoder`` as its ``model``.
        inputs: images or latents.

    Raises:
        ValueError: not even a single image fits into memory.
    """
    count = len(inputs)
    batch = largest_batch(model.model, min(count, BATCH))
    batch = BATCH if batch == count else batch
    if count <= batch:
        return predict_batch(model, inputs)  # A pipeline for one batch takes longer than most models.
    if count % batch:
        inputs = np.concatenate([inputs, np.repeat(inputs[-1:], -count % batch, axis=0)])
    with without_retracing_warnings():
        if keras.backend.backend() == "tensorflow":
            outputs = model.predict(stream(inputs, batch), verbose=0)
        else:
            outputs = model.predict(inputs, batch_size=batch, verbose=0)
    return keras.tree.map_structure(lambda output: output[:count], outputs)


def predict_batch(model: keras.Model, inputs: Any) -> Any:
    """Return ``model.predict_on_batch`` for an array or a tuple of arrays.

    Under a distribution strategy, Keras returns the whole batch once for each replica: the first is taken.
    """
    count = len(inputs[0] if isinstance(inputs, tuple) else inputs)
    with without_retracing_warnings():
        outputs = model.predict_on_batch(inputs)
    return keras.tree.map_structure(lambda output: output[:count], outputs)


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


class EncodePass(keras.Model):
    """A compiled pass from images to the parameters of the posterior."""

    def __init__(self, model: Any) -> None:
        super().__init__(autocast=False, name="encode")
        self.model = model

    def call(self, images: Tensor) -> list[Tensor]:
        """Return the mean and standard deviation, and the sum of the weights for each image."""
        mean, std = self.model.posterior_parameters(self.model.prepare(images))
        total = _sum_of_weights(self.model.encoder, images)
        if self.model.posterior == "hierarchical":  # It goes through the decoder too.
            total = total + _sum_of_weights(self.model.decoder, images)
        return [mean, std, total]


class DecodePass(keras.Model):
    """A compiled pass from z to the mean image."""

    def __init__(self, model: Any) -> None:
        super().__init__(autocast=False, name="decode")
        self.model = model

    def call(self, z: Tensor) -> list[Tensor]:
        """Return the mean images, and the sum of the weights for each."""
        images = self.model.likelihood.mean(self.model.decoder(z, training=False))
        return [images, _sum_of_weights(self.model.decoder, z)]


def _sum_of_weights(part: keras.Model, batch: Tensor) -> Tensor:
    """Return the sum of all weights, once for each entry of the batch: not finite if a weight is not."""
    total = ops.zeros(())
    for weight in part.weights:
        total = total + ops.sum(ops.cast(weight, "float32"))
    return ops.broadcast_to(total, (ops.shape(batch)[0],))


def run_pass(model: Any, kind: type[keras.Model], inputs: np.ndarray) -> list[np.ndarray]:
    """Return the outputs of ``EncodePass`` or ``DecodePass`` for an array.

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
