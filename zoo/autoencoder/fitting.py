"""Keras' loops on images without targets: ``fit``, ``evaluate`` and ``predict``."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.autoencoder.checks.inputs import explain_pipeline_error
from zoo.autoencoder.checks.labels import is_held, replace_values, values_of
from zoo.autoencoder.checks.stream_errors import own_errors_first
from zoo.autoencoder.checks.values import values_checked
from zoo.autoencoder.checks.weights import check_weights
from zoo.autoencoder.draws import binarize
from zoo.autoencoder.internals import is_called_by_fit
from zoo.autoencoder.on_batch import BatchModel
from zoo.autoencoder.tf_pipeline import BATCH_SIZE, is_distributed, split_off, stream_arrays
from zoo.data.checks import check_batch_size, check_share, refuse_weights
from zoo.data.dataset import Split


class TrainableModel(BatchModel):
    """A model that is trained, evaluated and applied like any Keras model, but on images without targets."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> Any:
        """Train as ``keras.Model.fit`` does, on images without targets.

        Args:
            x: images ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1]; a ``zoo.Split``; or a stream of batches of
                images or ``(images, labels)``.
            y: refused: an autoencoder's target is its input.
            batch_size: images per batch, for arrays; 32 by default.
            epochs: the number of the last epoch.
            verbose: ``"auto"``, 0, 1 or 2.
            callbacks: Keras callbacks.
            validation_split: the share of an array, at its end, that is reserved for validation.
            validation_data: like ``x``.
            shuffle: whether arrays are shuffled in each epoch; ``"batch"`` shuffles batches.
            class_weight: refused: every image counts the same.
            sample_weight: refused likewise.
            initial_epoch: the number of epochs already done.
            steps_per_epoch: batches per epoch, for streams.
            validation_steps: validation batches, for streams.
            validation_batch_size: images per validation batch; as in training by default.
            validation_freq: the number of epochs between validations.

        Returns:
            Keras' ``History``.

        Raises:
            ValueError: the images are not as described above; raised before training, or at a later batch of a stream;
                or a weight is NaN or infinite.
        """
        self.check_targets(y)
        refuse_weights(class_weight=class_weight, sample_weight=sample_weight)
        check_batch_size("batch_size", batch_size)
        check_batch_size("validation_batch_size", validation_batch_size)
        check_share("validation_split", validation_split)
        if isinstance(x, Split):
            self.provenance = {**(self.provenance or {}), "trained_on": x.dataset}
        if self.provenance and "weights" in self.provenance:
            # They are no longer those that were published.
            kept = {key: value for key, value in self.provenance.items() if key != "weights"}
            self.provenance = {**kept, "started_from": self.provenance["weights"]}
        data = self.check_data(x)
        if validation_data is not None:
            validation_data = self.check_data(validation_data, what="validation_data")
        elif validation_split and is_held(data):
            data, validation_data = split_off(data, validation_split)
            validation_split = 0.0
        if not is_held(data) and getattr(data, "num_batches", None) is None:
            shuffle = False  # Keras shuffles only a finite PyDataset, and warns about other streams.
        given = {
            "x": data, "batch_size": batch_size, "shuffle": shuffle,
            "validation_data": self._repeatable(validation_data), "validation_batch_size": validation_batch_size,
        }  # fmt: skip
        check_weights(self)
        self.notice_changes(training=True)
        limited = steps_per_epoch is not None or validation_steps is not None
        with (
            _plain_errors(),
            values_checked(),
            _plain_ends(steps_per_epoch or validation_steps, data, validation_data),
            self.fitting(given, streams=limited) as given,
        ):
            history = super().fit(
                **stream_arrays(self, given, training=True),
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_split=validation_split,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            )
        if keras.backend.backend() == "jax" and self.optimizer.use_ema:
            # Keras lets the weights share the arrays of their averages, which the next step then frees.
            for variable in self.optimizer.variables:
                variable.assign(ops.convert_to_numpy(variable))
        return history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Evaluate as ``keras.Model.evaluate`` does, on images without targets; z is drawn, so the bound is unbiased.

        Args:
            x: as in ``fit``.
            y: refused: an autoencoder's target is its input.
            batch_size: images per batch, for arrays; 32 by default.
            verbose: ``"auto"``, 0, 1 or 2.
            sample_weight: refused: every image counts the same.
            steps: number of batches, for streams.
            callbacks: Keras callbacks.
            return_dict: whether to return the results by name.
            **kwargs: internal arguments of ``fit``.

        Returns:
            ``loss``, ``reconstruction_loss``, ``kl_loss`` and ``negative_elbo``, nats per image, in the order of
            ``metrics_names``.

        Raises:
            ValueError: the images are not as described above.
        """
        loop = {"verbose": verbose, "steps": steps, "callbacks": callbacks, "return_dict": return_dict, **kwargs}
        # During fit, Keras iterates over data that fit has already checked; checking again would consume a batch.
        if is_called_by_fit(kwargs):
            return super().evaluate(x=x, batch_size=batch_size, **loop)
        self.check_targets(y)
        refuse_weights(sample_weight=sample_weight)
        check_batch_size("batch_size", batch_size)
        data = self._repeatable(self.check_data(x))
        check_weights(self)
        self.notice_changes()
        given = {"x": data, "batch_size": batch_size}
        evaluating = self.evaluating(given, streams=steps is not None)
        with _plain_errors(), values_checked(), _plain_ends(steps, data), evaluating as given:
            return super().evaluate(**stream_arrays(self, given), **loop)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> np.ndarray:
        """Return the mean images for an array or a stream of images.

        Args:
            x: as in ``fit``.
            batch_size: images per batch, for arrays; 32 by default.
            verbose: ``"auto"``, 0, 1 or 2.
            steps: number of batches, for streams.
            callbacks: Keras callbacks.

        Returns:
            ``(n, H, W, C)``, float32 in [0, 1].

        Raises:
            ValueError: the images are not as described above.
        """
        check_batch_size("batch_size", batch_size)
        data = self.check_data(x)
        check_weights(self)
        self.notice_changes()
        if is_held(data) and steps is None and not is_distributed(self):
            return self.predict_array(data, batch_size or BATCH_SIZE, verbose, callbacks)
        given = {"x": data, "batch_size": batch_size}
        with _plain_errors(), values_checked(), _plain_ends(steps, data), self.off_device():
            images: np.ndarray = super().predict(
                **stream_arrays(self, given), verbose=verbose, steps=steps, callbacks=callbacks
            )
        return images

    def _repeatable(self, data: Any) -> Any:
        """Return images for scoring, dynamic binarization being drawn once, by their positions in the set."""
        if is_held(data) and self.binarization == "dynamic":
            return replace_values(data, binarize(values_of(data), self.seed or 0))
        return data


@contextlib.contextmanager
def _plain_ends(steps: int | None, *streams: Any) -> Iterator[None]:
    """Drop Keras' warning that a stream has ended where that is the end of an epoch: it can be read again."""
    with warnings.catch_warnings():
        if steps is None and not any(isinstance(stream, Iterator) for stream in streams):
            warnings.filterwarnings("ignore", "Your input ran out of data")
        yield


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn TensorFlow's error for a batch that is refused within ``tf.data`` into the ``ValueError`` of the check.

    What the user's own streams raise is raised as it was.
    """
    try:
        with own_errors_first():
            yield
    except Exception as error:
        message = explain_pipeline_error(error)
        if message is None:
            raise
        raise ValueError(message) from error
