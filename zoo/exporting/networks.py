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
    def input_name(self) -> str:
        """``z`` for the decoder, otherwise ``images``."""
        return "z" if self.part == "decoder" else "images"

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

    def call(self, inputs: Any) -> list[Any]:
        """Return the outputs: images are float32 in [0, 1].

        Args:
            inputs: images ``(batch, H, W, C)``, uint8 in 0..255 or float32 in [0, 1]; z ``(batch, *latent_shape)``.
        """
        if self.part == "decoder":
            return [self._decode(inputs)]
        mean, std = self.model.posterior_parameters(self.model.prepare(inputs))
        if self.part == WHOLE:
            return [self._decode(mean)]
        return [mean] if self.model.posterior == "point" else [mean, std]

    def _decode(self, z: Any) -> Any:
        return self.model.likelihood.mean(self.model.decoder(z, training=False))
