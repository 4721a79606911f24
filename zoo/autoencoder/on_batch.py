"""Keras' steps on a single batch, with the checks of its loops."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.autoencoder.checks.labels import Inputs, as_given, values_of
from zoo.autoencoder.checks.weights import check_weights
from zoo.autoencoder.device_model import DeviceModel
from zoo.data.checks import refuse_weights
from zoo.data.mapped import in_blocks


class BatchModel(DeviceModel):
    """A model that is trained, evaluated and applied batch by batch, on images without targets."""

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Take one training step as ``keras.Model.train_on_batch`` does, on images without targets.

        Args:
            x: images ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1], or a ``zoo.Split``.
            y: refused: an autoencoder's target is its input.
            sample_weight: refused: every image counts the same.
            class_weight: refused likewise.
            return_dict: whether to return the results by name.

        Returns:
            ``loss``, ``reconstruction_loss``, ``kl_loss`` and ``negative_elbo`` of this batch, nats per image, in the
            order of ``metrics_names``.

        Raises:
            ValueError: the images are not as described above, or the model cannot be trained as it is.
        """
        self.check_targets(y)
        refuse_weights(sample_weight=sample_weight, class_weight=class_weight)
        images = as_given(self.check_array(x))
        check_weights(self)
        with self.noticing_changes(training=True), self.off_device():
            return super().train_on_batch(images, return_dict=return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Take one evaluation step; arguments, result and errors as in ``train_on_batch``."""
        self.check_targets(y)
        refuse_weights(sample_weight=sample_weight)
        images = as_given(self.check_array(x))
        check_weights(self)
        with self.noticing_changes(), self.off_device():
            return super().test_on_batch(images, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Return the mean images of a batch, float32 in [0, 1]; images and errors as in ``train_on_batch``."""
        images = as_given(self.check_array(x))
        check_weights(self)
        with self.noticing_changes(), self.off_device():
            predicted: np.ndarray = super().predict_on_batch(images)
        return predicted[: len(self.pixels_of(images))]  # Keras returns one copy for each replica.

    def predict_array(self, images: Inputs, batch_size: int, verbose: Any, callbacks: Any) -> np.ndarray:
        """Return the mean images of checked images as ``predict`` does, which takes no memory but for the result.

        Keras' own loop keeps the results of all batches, and then copies them into one array.
        """
        count, verbose = len(images), 1 if verbose == "auto" else verbose
        batches = -(-count // batch_size)
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = keras.callbacks.CallbackList(
                callbacks, add_progbar=verbose != 0, verbose=verbose, epochs=1, steps=batches, model=self
            )
        result: np.ndarray | None = None
        self.stop_predicting = False
        callbacks.on_predict_begin()
        for number, block in enumerate(in_blocks(values_of(images), batch_size)):
            callbacks.on_predict_batch_begin(number)
            done = number * batch_size
            outputs = super().predict_on_batch(as_given(images[done : done + len(block)]))
            if result is None:
                result = np.empty((count, *outputs.shape[1:]), outputs.dtype)
            result[done : done + len(block)] = outputs
            callbacks.on_predict_batch_end(number, {"outputs": outputs})
            if self.stop_predicting:
                result = result[: done + len(block)]
                break
        callbacks.on_predict_end()
        assert result is not None
        return result
