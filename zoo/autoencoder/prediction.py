"""Compiled passes of parts of a model over NumPy arrays."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any, TypeVar

import keras
import numpy as np

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
    parts = (model.encoder, model.decoder, model.likelihood, model.binarization)
    key, kept = (kind, *arguments), model.traced_passes
    if key not in kept or any(old is not new for old, new in zip(kept[key][0], parts, strict=True)):
        kept[key] = parts, kind(model, *arguments)
    made: Pass = kept[key][1]
    return made


def predict_in_batches(model: keras.Model, inputs: np.ndarray) -> Any:
    """Return ``model.predict`` for arrays; all batches are full except a single short one, as each size is compiled."""
    count = len(inputs)
    if count > BATCH and count % BATCH:
        inputs = np.concatenate([inputs, np.repeat(inputs[-1:], -count % BATCH, axis=0)])
    with without_retracing_warnings():
        if count <= BATCH:
            return model.predict_on_batch(inputs)  # A pipeline for one batch takes longer than most models.
        if keras.backend.backend() == "tensorflow":
            outputs = model.predict(stream(inputs, BATCH), verbose=0)
        else:
            outputs = model.predict(inputs, batch_size=BATCH, verbose=0)
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
        """Return the mean and standard deviation."""
        return list(self.model.posterior_parameters(self.model.prepare(images)))


class DecodePass(keras.Model):
    """A compiled pass from z to the mean image."""

    def __init__(self, model: Any) -> None:
        super().__init__(autocast=False, name="decode")
        self.model = model

    def call(self, z: Tensor) -> Tensor:
        """Return the mean images."""
        return self.model.likelihood.mean(self.model.decoder(z, training=False))
