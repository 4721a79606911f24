"""The training step and the evaluation step: a single pass of encoder and decoder each, on every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.autoencoder.compiling import CompiledModel
from zoo.autoencoder.internals import forget_added_losses
from zoo.autoencoder.precision import computing_in
from zoo.data.checks import check_images, refuse_sample_weights
from zoo.typing import Tensor


class _Mean(keras.losses.Loss):
    """The mean over the batch of values per image, reduced as Keras does, so that replicas add up."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return y_pred


class SteppedModel(CompiledModel):
    """A model that takes steps and logs their terms.

    Keras' inherited step calls the model for its prediction and computes the loss from that. Here the loss runs its own
    pass, since it needs more than an image, so the step skips the call.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._mean = _Mean(name="mean_over_batch")
        self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction_loss")
        self.kl_tracker = keras.metrics.Mean(name="kl_loss")
        self.elbo_tracker = keras.metrics.Mean(name="negative_elbo")

    def train_step(self, *args: Any) -> Any:
        """Take one training step: one pass of encoder and decoder, then an update of the weights.

        Args:
            *args: a batch of images, or ``(images, labels)`` whose labels are ignored, as NumPy arrays or tensors. On
                JAX, Keras calls it with ``(state, batch)``.

        Returns:
            The running means of ``loss``, ``reconstruction_loss``, ``kl_loss`` and ``negative_elbo``, nats per image.

        Raises:
            ValueError: the model is not compiled, or a NumPy batch does not contain images.
        """
        if not self.compiled:
            raise ValueError("the model is not compiled: call compile(optimizer, loss) before train_step")
        images = self._images_of(args[-1])
        backend = keras.backend.backend()
        if backend == "jax" and len(args) == 1:
            return self.train_on_batch(images, return_dict=True)
        self.settle_precision()
        with computing_in(self.precision):
            if backend == "jax":
                return super().train_step(args[0], (images,))
            return _torch_step(self, images) if backend == "torch" else _tensorflow_step(self, images)

    def test_step(self, *args: Any) -> Any:
        """Take one evaluation step, with z drawn from the posterior; arguments and result as in ``train_step``."""
        images = self._images_of(args[-1])
        if keras.backend.backend() == "jax":
            return super().test_step(*args[:-1], (images,))
        self.track_loss(self.compute_loss(x=images, training=False), images)
        return self.compute_metrics(images, None, self._prediction(images))

    def _images_of(self, data: Any) -> Any:
        refuse_sample_weights(data)
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        if isinstance(images, np.ndarray):
            check_images(images, self.image_shape)
        return images

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Return the objective for a batch of images, and update the logged metrics.

        Args:
            x: ``(batch, H, W, C)``, uint8 in 0..255 or float in [0, 1].
            y: not used: an autoencoder's target is its input.
            y_pred: not used: the objective needs more than a mean image.
            sample_weight: not used.
            training: whether it is a training step; validation uses the final KL weight and no free bits.

        Returns:
            The mean over the batch, nats per image, plus the losses that layers have added with ``add_loss``.
        """
        forget_added_losses(self)
        with keras.name_scope(self.name):
            objective, reconstruction, kl = self.objective(
                x,
                kl_weight=self.kl_schedule(self.kl_step) if training else self.kl_schedule.final,
                free_bits=self.free_bits if training else 0.0,
                importance_samples=self.importance_samples,
                training=training,
            )
        loss = self._mean(objective, objective)
        if self.losses:
            loss = loss + super().compute_loss(x=x, training=training)
        self.reconstruction_tracker.update_state(reconstruction)
        self.kl_tracker.update_state(kl)
        self.elbo_tracker.update_state(reconstruction + kl)
        if training:
            self.kl_step.assign(self.kl_step + 1.0)
        return loss

    def compute_loss_and_updates(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        metrics_variables: Sequence[Any],
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: Sequence[Any] | None = None,
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Return the loss and the new state for Keras' step on JAX to differentiate, without calling the model."""
        own = (self.trainable_variables, self.non_trainable_variables, self.metrics_variables)
        given = (trainable_variables, non_trainable_variables, metrics_variables)
        mapping = [pair for ours, values in zip(own, given, strict=True) for pair in zip(ours, values, strict=True)]
        with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
            loss = self.compute_loss(x=x, training=training)
            prediction = self._prediction(x)
        non_trainable, metrics = ([scope.get_current_value(variable) for variable in part] for part in own[1:])
        scaled = loss
        if training:
            pairs = list(zip(self.optimizer.variables, optimizer_variables or (), strict=True))
            with keras.StatelessScope(state_mapping=pairs):
                scaled = self.optimizer.scale_loss(loss)
        return scaled, (loss, prediction, non_trainable, metrics)

    def _prediction(self, images: Tensor) -> Tensor | None:
        """Return the reconstructions if metrics passed to ``compile`` need them."""
        return self.mean_image(images) if self.has_metrics else None

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the logged metrics; those passed to ``compile`` compare the images with their reconstructions."""
        return super().compute_metrics(x, self.prepare(x) if self.has_metrics else None, y_pred)

    def track_loss(self, loss: Tensor, images: Tensor) -> None:
        """Update the running mean of the loss, as Keras' own steps do."""
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            # Keras divides by the number of replicas, since their losses add up.
            loss = loss * tf.distribute.get_strategy().num_replicas_in_sync
        tracker = next(metric for metric in self.metrics if metric.name == "loss")
        tracker.update_state(loss, sample_weight=ops.shape(images)[0])


def _tensorflow_step(model: SteppedModel, images: Tensor) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=images, training=True)
        scaled = model.optimizer.scale_loss(loss)
    model.track_loss(loss, images)
    weights = model.trainable_weights
    model.optimizer.apply_gradients(zip(tape.gradient(scaled, weights), weights, strict=True))
    return model.compute_metrics(images, None, model._prediction(images))


def _torch_step(model: SteppedModel, images: Tensor) -> Any:
    import torch  # type: ignore[import-not-found,unused-ignore]

    model.zero_grad()
    loss = model.compute_loss(x=images, training=True)
    model.track_loss(loss, images)
    model.optimizer.scale_loss(loss).backward()
    weights = model.trainable_weights
    with torch.no_grad():
        model.optimizer.apply([weight.value.grad for weight in weights], weights)
    return model.compute_metrics(images, None, model._prediction(images))
