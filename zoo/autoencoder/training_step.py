"""How an ``AutoEncoder`` is trained: the training step, the objective, and what is logged."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.autoencoder.compiling import CompiledModel
from zoo.autoencoder.precision import computing_in
from zoo.autoencoder.step import in_step, step
from zoo.autoencoder.tf_pipeline import stream_arrays
from zoo.data.checks import check_arguments, check_data, check_images, is_array, refuse_sample_weights, refuse_targets
from zoo.data.dataset import Split
from zoo.typing import Tensor


class _Mean(keras.losses.Loss):
    """The batch's mean of values per image, reduced as Keras does, so that replicas add up."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return y_pred


class Trainer(CompiledModel):
    """The part of ``AutoEncoder`` that trains; see there."""

    image_shape: tuple[int, int, int]
    provenance: dict[str, Any] | None

    def __init__(self, **kwargs: Any) -> None:
        # autocast would round images to half precision before the likelihood sees them.
        super().__init__(autocast=False, **kwargs)
        self._mean = _Mean(name="mean_over_batch")
        self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction_loss")
        self.kl_tracker = keras.metrics.Mean(name="kl_loss")
        self.elbo_tracker = keras.metrics.Mean(name="negative_elbo")

    def call(self, images: Tensor, training: bool = False) -> Any:
        """Return the mean image in [0, 1] through the posterior mean."""
        if in_step():
            terms = self._step_terms(images, training)
            if self._compile_metrics is None:
                return terms
            # Not in compute_metrics: there JAX has the metrics' variables, but not the model's.
            return (*terms, self.prepare(images), self.mean_image(images, training=False))
        return self.mean_image(images, training=training)

    def _step_terms(self, images: Tensor, training: bool) -> tuple[Tensor, Tensor, Tensor]:
        return self.objective(
            images,
            kl_weight=self.kl_schedule(self.kl_step) if training else self.kl_schedule.final,
            free_bits=self.free_bits if training else 0.0,
            importance_samples=self.importance_samples,
            training=training,
        )

    def train_step(self, *args: Any) -> Any:
        """Take one training step: one pass of encoder and decoder, then an update of the weights.

        Args:
            *args: a batch of images, or ``(images, labels)`` whose labels are ignored: NumPy or tensors. On JAX, Keras
                calls it with ``(state, batch)``.

        Returns:
            The running means of ``loss``, ``reconstruction_loss``, ``kl_loss`` and ``negative_elbo``, nats per image.

        Raises:
            ValueError: the model is not compiled, or a NumPy batch is not images.
        """
        if not self.compiled:
            raise ValueError("the model is not compiled: call compile(optimizer, loss) before train_step")
        batch = self._images_of(args[-1])
        if keras.backend.backend() == "jax" and len(args) == 1:
            return self.train_on_batch(batch[0], return_dict=True)
        self.settle_precision()
        with step(), computing_in(self.precision):
            return super().train_step(*args[:-1], batch)

    def test_step(self, *args: Any) -> Any:
        """Take one evaluation step, with z drawn from the posterior; arguments and result as in ``train_step``."""
        batch = self._images_of(args[-1])
        with step():
            return super().test_step(*args[:-1], batch)

    def _images_of(self, data: Any) -> tuple[Any]:
        refuse_sample_weights(data)
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        if isinstance(images, np.ndarray):
            check_images(images, self.image_shape)
        return (images,)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Return the objective and update what is logged."""
        objective, reconstruction, kl = y_pred[:3]
        loss = self._mean(objective, objective)
        if self.losses:
            loss = loss + super().compute_loss(x=x, training=training)
        self.reconstruction_tracker.update_state(reconstruction)
        self.kl_tracker.update_state(kl)
        self.elbo_tracker.update_state(reconstruction + kl)
        if training:
            self.kl_step.assign(self.kl_step + 1.0)
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return what is logged; metrics given to ``compile`` compare the images with their reconstructions."""
        if self._compile_metrics is not None:
            # Keras builds the metrics outside a step on JAX.
            y, y_pred = y_pred[3:] if isinstance(y_pred, tuple) else (self.prepare(x), y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Train as ``keras.Model.fit`` does, on images alone.

        Args:
            x: images ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1]; a ``zoo.Split``; or a stream of batches of
                images or ``(images, labels)``. ``validation_data`` likewise.
            y: refused: an autoencoder's target is its input.
            *args: further arguments of ``keras.Model.fit``.
            **kwargs: the same.

        Returns:
            Keras' ``History``.

        Raises:
            ValueError: before training starts, images that are not as said above (streams: their first batch).
        """
        refuse_targets(y)
        given = check_arguments(keras.Model.fit, x, (None, *args), kwargs)
        if isinstance(x, Split):
            self.provenance = {**(self.provenance or {}), "trained_on": x.dataset}
        given["x"] = check_data(x, self.image_shape)
        if given.get("validation_data") is not None:
            given["validation_data"] = check_data(given["validation_data"], self.image_shape, "validation_data")
        if not is_array(given["x"]) and getattr(given["x"], "num_batches", None) is None:
            given["shuffle"] = False  # Only a finite PyDataset is shuffled by Keras; it warns of other streams.
        return super().fit(**stream_arrays(self, {"epochs": 1, **given}))

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluate as ``keras.Model.evaluate`` does, on images alone; z is drawn, so the bound is unbiased."""
        refuse_targets(y)
        given = check_arguments(keras.Model.evaluate, x, (None, *args), kwargs)
        # During fit Keras reads its own iterator of what fit has checked; another look would take a batch from it.
        if kwargs.get("_use_cached_eval_dataset"):
            return super().evaluate(x, None, *args, **kwargs)
        given["x"] = check_data(x, self.image_shape)
        return super().evaluate(**stream_arrays(self, given))

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        """Return the mean images of images or of a stream, ``(n, H, W, C)`` float32 in [0, 1]."""
        given = check_arguments(keras.Model.predict, x, args, kwargs)
        given["x"] = check_data(x, self.image_shape)
        return super().predict(**stream_arrays(self, given))
