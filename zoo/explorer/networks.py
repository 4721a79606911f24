"""The networks that a page computes with."""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo.exporting.networks import ExportedNetwork

DECODE, ENCODE = "decoder", "encoder"


class PageNetwork(ExportedNetwork):
    """A network of the page.

    Args:
        model: the model.
        part: ``encoder``, as for other files; or ``decoder``, from z to the mean image, float32 in [0, 1], and the
            likelihood's raw parameters.
    """

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the outputs, in order."""
        return ("images", "parameters") if self.part == DECODE else super().output_names

    def call(self, inputs: Any, labels: Any = None) -> list[Any]:
        """Return the outputs, float32; a page has no labels."""
        if self.part == DECODE:
            parameters = ops.cast(self.model.decoder(inputs, training=False), "float32")
            return [self.model.likelihood.mean(parameters), parameters]
        outputs: list[Any] = super().call(inputs)
        return outputs
