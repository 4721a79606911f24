"""What is exported: functions of a model without random operations, from plain arrays to plain arrays."""

from __future__ import annotations

from typing import Any

import keras

from zoo.autoencoder.model import AutoEncoder

WHOLE = "autoencoder"
PART_NAMES = ("encoder", "decoder", WHOLE)
INPUTS = ("float32", "uint8")


class ExportedNetwork(keras.Model):
    """One part of a model, with what comes before and after its network.

    Args:
        model: the model.
        part: ``encoder``, from images to the mean and the standard deviation of z, or to z alone if the posterior is a
            point; ``decoder``, from z to images; or ``autoencoder``, from images to their reconstructions.
    """

    def __init__(self, model: AutoEncoder, part: str) -> None:
        super().__init__(autocast=False, name=part)
        self.model, self.part = model, part
        self.built = True

    @property
    def input_names(self) -> tuple[str, ...]:
        """``z`` for the decoder, otherwise ``images``; and ``labels``, if the model takes them."""
        first = "z" if self.part == "decoder" else "images"
        return (first, "labels") if self.model.takes_labels else (first,)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the outputs, in order."""
        if self.part != "encoder":
            return ("reconstructions" if self.part == WHOLE else "images",)
        return ("z",) if self.model.posterior == "point" else ("mean", "std")

    @property
    def taken_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        shape: tuple[int, ...] = self.model.latent_shape if self.part == "decoder" else self.model.image_shape
        return shape

    def signature(self, batch: int | None, dtype: str) -> list[keras.InputSpec]:
        """Return what ``call`` takes.

        Args:
            batch: the number of images; None: any.
            dtype: the type of images.
        """
        shapes = [((batch, *self.taken_shape), "float32" if self.part == "decoder" else dtype), ((batch,), "int32")]
        return [
            keras.InputSpec(dtype=of, shape=shape, name=name)
            for name, (shape, of) in zip(self.input_names, shapes, strict=False)
        ]

    def call(self, inputs: Any, labels: Any = None) -> list[Any]:
        """Return the outputs: images are float32 in [0, 1].

        Args:
            inputs: images ``(batch, H, W, C)``, uint8 in 0..255 or float32 in [0, 1]; z ``(batch, *latent_shape)``.
            labels: ``(batch,)``, int32, if the model takes them.
        """
        if self.part == "decoder":
            return [self._decode(inputs if labels is None else [inputs, labels])]
        images = self.model.prepare(inputs if labels is None else (inputs, labels))
        mean, std = self.model.posterior_parameters(images)
        if self.part == WHOLE:
            return [self._decode(self.model.decoder_inputs(mean, images))]
        return [mean] if self.model.posterior == "point" else [mean, std]

    def _decode(self, given: Any) -> Any:
        return self.model.likelihood.mean(self.model.decoder(given, training=False))
