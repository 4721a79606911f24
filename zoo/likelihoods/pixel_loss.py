"""A plain Keras loss used as a likelihood."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.likelihoods.likelihood import LIKELIHOODS, Likelihood
from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class PixelLoss(Likelihood):
    """A plain Keras loss used as a likelihood: it compares the sigmoid of the raw output with the image.

    The loss of each value is summed over pixels and channels. It is not a likelihood, so likelihood scores are null.

    Args:
        loss: a name, a function or a ``keras.losses.Loss`` that compares values elementwise.

    Raises:
        ValueError: the loss works on logits, or does not compare values elementwise.
    """

    def __init__(self, loss: Any, name: str | None = None, reduction: str = "sum_over_batch_size") -> None:
        self.loss = keras.losses.get(loss)
        label = str(getattr(self.loss, "name", None) or getattr(self.loss, "__name__", type(self.loss).__name__))
        super().__init__(name=name or label, reduction=reduction)
        if _uses_logits(self.loss):
            raise ValueError(
                f"loss {label} has from_logits=True: expected a loss of values in [0, 1], since the zoo applies a "
                "sigmoid to the raw output; build it with from_logits=False"
            )
        self._check_elementwise(label)

    @property
    def identifier(self) -> str:
        """The wrapped loss's name."""
        return str(self.name)

    def _values(self, images: Tensor, means: Tensor) -> Tensor:
        # Keras averages over the last axis; an axis of length one leaves the values unchanged.
        compare = getattr(self.loss, "call", self.loss)
        return compare(images[..., None], means[..., None])

    def _check_elementwise(self, label: str) -> None:
        generator = np.random.default_rng(0)
        images, means = (ops.convert_to_tensor(generator.uniform(0.1, 0.9, (2, 3, 3, 2)), "float32") for _ in "ab")
        cause, same = None, False
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Keras' warnings about losses that compare classes
                values, direct = self._values(images, means), getattr(self.loss, "call", self.loss)(images, means)
            if tuple(values.shape) == (2, 3, 3, 2) and tuple(direct.shape) == (2, 3, 3):
                same = float(ops.max(ops.abs(ops.mean(values, -1) - direct))) < 1e-4
        except Exception as error:  # backends raise different exceptions
            cause = error
        if not same:
            raise ValueError(
                f"loss {label} does not compare values elementwise: expected one such as 'mse', 'mae' or "
                f"'binary_crossentropy', or a likelihood: {', '.join(LIKELIHOODS)}"
            ) from cause

    def _log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        return -self._values(images, self.mean(parameters))

    def mean(self, parameters: Tensor) -> Tensor:
        """Return the sigmoid of the raw output."""
        return ops.sigmoid(parameters)

    def get_config(self) -> dict[str, Any]:
        """Return the name, the reduction and the wrapped loss."""
        return {**super().get_config(), "loss": keras.losses.serialize(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PixelLoss:
        """Rebuild it from the result of ``get_config``."""
        config = dict(config)
        return cls(keras.losses.deserialize(config.pop("loss")), **config)


def _uses_logits(loss: Any) -> bool:
    if getattr(loss, "from_logits", False):
        return True
    settings = loss.get_config() if hasattr(loss, "get_config") else getattr(loss, "keywords", {})
    return bool(settings.get("from_logits", False))
