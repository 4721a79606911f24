"""The training step and the evaluation step: a single pass of encoder and decoder each, on every backend."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.autoencoder.checks.inputs import refuse_mapping, refuse_sample_weights
from zoo.autoencoder.compiling import CompiledModel
from zoo.autoencoder.internals import forget_added_losses, loss_tracker
from zoo.autoencoder.precision import computing_in
from zoo.autoencoder.replicas import count_images, count_replicas, fill_empty, sum_over_replicas
from zoo.data.checks import check_images
from zoo.typing import Tensor

NOTHING_TO_TRAIN = "the model has no trainable weights"  # Keras warns of it too.


class SteppedModel(CompiledModel):
    """A model that takes steps and logs their terms.

    Keras' inherited step calls the model for its prediction and computes the loss from that. Here the loss runs its own
    pass, since it needs more than an image, so the step skips the call.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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
        images = self._begin_step("train_step", args)
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
        images = self._begin_step("test_step", args)
        if keras.backend.backend() == "jax":
            if len(args) == 1:
                return self.test_on_batch(images, return_dict=True)
            return super().test_step(args[0], (images,))
        self.track_loss(self.compute_loss(x=images, training=False), images)
        return self.compute_metrics(images, None, self.predict_for_metrics(images))

    def _begin_step(self, step: str, args: tuple[Any, ...]) -> Any:
        if not self.compiled:
            raise ValueError(f"the model is not compiled: call compile(optimizer, loss) before {step}")
        return self.inputs_of(args[-1])

    def inputs_of(self, data: Any) -> Any:
        """Return what the objective is computed of: a batch's images; ``ValueError`` unless it is one of images."""
        refuse_mapping(data, "images")
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
        count = count_images(x)
        with keras.name_scope(self.name):
            # The mean over no images would be NaN: a replica without any computes one and leaves it out.
            objective, reconstruction, kl = (
                ops.cast(term[:count], "float32")
                for term in self.objective(
                    self.augment(fill_empty(x)) if training else fill_empty(x),
                    kl_weight=self.kl_weight_of(training=training),
                    free_bits=self.free_bits if training else 0.0,
                    importance_samples=self.importance_samples,
                    training=training,
                )
            )
            # One reduction of all of them: terms that are equal have equal sums, to the last bit.
            sums = ops.sum(ops.stack([objective, reconstruction, kl, reconstruction + kl]), axis=1)
            number = ops.maximum(ops.cast(count, "float32"), 1.0)
            # A replica's loss is its share of the mean over the images of all, which may have different numbers.
            loss = sums[0] / (number if count_replicas() == 1 else sum_over_replicas(ops.cast(count, "float32")))
        if self.losses:
            loss = loss + super().compute_loss(x=x, training=training)
        for index, tracker in enumerate((self.reconstruction_tracker, self.kl_tracker, self.elbo_tracker), start=1):
            tracker.update_state(sums[index] / number, sample_weight=count)
        if training:
            self.kl_step.assign(self.kl_step + 1.0)
        return loss

    def augment(self, images: Tensor) -> Tensor:
        """Return training images as ``augmentation`` changes them."""
        if self.augmentation == "none":
            return images
        images = ops.convert_to_tensor(images)
        chosen = keras.random.uniform((ops.shape(images)[0], 1, 1, 1), seed=self.seed_generator) < 0.5
        return ops.where(chosen, ops.flip(images, axis=2), images)

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
            prediction = self.predict_for_metrics(x)
        non_trainable, metrics = ([scope.get_current_value(variable) for variable in part] for part in own[1:])
        scaled = loss
        if training:
            pairs = list(zip(self.optimizer.variables, optimizer_variables or (), strict=True))
            with keras.StatelessScope(state_mapping=pairs):
                scaled = self.optimizer.scale_loss(loss)
        return scaled, (loss, prediction, non_trainable, metrics)

    def predict_for_metrics(self, images: Tensor) -> Tensor | None:
        """Return the reconstructions if metrics passed to ``compile`` need them."""
        return self.mean_image(images) if self.has_metrics else None

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the logged metrics; those passed to ``compile`` compare the images with their reconstructions."""
        return super().compute_metrics(x, self.pixels_of(self.prepare(x)) if self.has_metrics else None, y_pred)

    def track_loss(self, loss: Tensor, images: Tensor) -> None:
        """Update the running mean of the loss, as Keras' own steps do."""
        count = count_images(images)
        if count_replicas() > 1:
            # Each replica's loss is its share of the mean over the whole batch.
            whole = sum_over_replicas(ops.cast(count, "float32"))
            loss = loss * whole / ops.maximum(ops.cast(count, "float32"), 1.0)
        loss_tracker(self).update_state(loss, sample_weight=count)


def _tensorflow_step(model: SteppedModel, images: Tensor) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=images, training=True)
        scaled = model.optimizer.scale_loss(loss)
    model.track_loss(loss, images)
    prediction = model.predict_for_metrics(images)  # By the weights that the loss is of.
    weights = model.trainable_weights
    if weights:
        model.optimizer.apply_gradients(zip(tape.gradient(scaled, weights), weights, strict=True))
    else:
        warnings.warn(NOTHING_TO_TRAIN, stacklevel=2)
    return model.compute_metrics(images, None, prediction)


def _torch_step(model: SteppedModel, images: Tensor) -> Any:
    import torch  # type: ignore[import-not-found,unused-ignore]

    model.zero_grad()
    loss = model.compute_loss(x=images, training=True)
    model.track_loss(loss, images)
    weights = model.trainable_weights
    with torch.no_grad():
        prediction = model.predict_for_metrics(images)
    if weights:
        model.optimizer.scale_loss(loss).backward()
        with torch.no_grad():
            model.optimizer.apply([weight.value.grad for weight in weights], weights)
    else:
        warnings.warn(NOTHING_TO_TRAIN, stacklevel=2)
    return model.compute_metrics(images, None, prediction)
