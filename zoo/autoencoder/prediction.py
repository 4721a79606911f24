"""Compiled passes of parts of a model over NumPy arrays."""

from __future__ import annotations

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
    if count <= BATCH:
        return model.predict_on_batch(inputs)  # A pipeline for one batch takes longer than most models.
    if count % BATCH:
        inputs = np.concatenate([inputs, np.repeat(inputs[-1:], -count % BATCH, axis=0)])
    if keras.backend.backend() == "tensorflow":
        outputs = model.predict(stream(inputs, BATCH), verbose=0)
    else:
        outputs = model.predict(inputs, batch_size=BATCH, verbose=0)
    return keras.tree.map_structure(lambda output: output[:count], outputs)


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
