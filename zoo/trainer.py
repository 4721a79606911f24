"""How an ``AutoEncoder`` is trained: compile, the training step, the objective, and what is logged."""

from __future__ import annotations

import logging
import math
import numbers
import types
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo import likelihoods, schedules
from zoo.adam import get_optimizer
from zoo.batches import stream_arrays
from zoo.data.dataset import Split
from zoo.inputs import check_arguments, check_data, check_images, is_array, refuse_sample_weights, refuse_targets
from zoo.precision import computing_in, find_obstacle, resolve_precision
from zoo.recipe import check_importance_samples
from zoo.step import in_step, step

Tensor = Any
logger = logging.getLogger("zoo")


class _Mean(keras.losses.Loss):
    """The batch's mean of values per image, reduced as Keras does, so that replicas add up."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return y_pred


class Trainer(keras.Model):
    """The part of ``AutoEncoder`` that trains; see there."""

    image_shape: tuple[int, int, int]
    provenance: dict[str, Any] | None
    likelihood: likelihoods.Likelihood

    def __init__(self, **kwargs: Any) -> None:
        # autocast would round images to half precision before the likelihood sees them.
        super().__init__(autocast=False, **kwargs)
        self.kl_schedule: schedules.Schedule = schedules.Constant(1.0)
        self.free_bits = 0.0
        self.importance_samples = 1
        self.precision = "float32"
        self._settled = True
        self._requested: Mapping[str, Any] = {}
        self.kl_step = self.add_weight(
            shape=(), initializer="zeros", trainable=False, autocast=False, aggregation="only_first_replica",
            dtype="float32", name="kl_step",
        )  # fmt: skip
        self._mean = _Mean(name="mean_over_batch")
        self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction_loss")
        self.kl_tracker = keras.metrics.Mean(name="kl_loss")
        self.elbo_tracker = keras.metrics.Mean(name="negative_elbo")

    def call(self, images: Tensor, training: bool = False) -> Any:
        """Give the mean image in [0, 1] through the posterior mean."""
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

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        kl_weight: Any = 1.0,
        free_bits: float = 0.0,
        importance_samples: int = 1,
        *,
        precision: str = "float32",
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Set how the model is trained.

        Args:
            optimizer: a name or a Keras optimizer.
            loss: a likelihood or a plain Keras loss (or its name) in place of the model's likelihood.
            kl_weight: a number, or a schedule such as ``zoo.schedules.LinearWarmUp(1000)``. On the importance-weighted
                bound it weighs log p(z) - log q(z|x) of every sample.
            free_bits: nats that each latent's KL, averaged over the batch, may have for free in training (Kingma et
                al. 2016, equation 15).
            importance_samples: k. From 2 on the model is trained, and validated, on the importance-weighted bound,
                -log (1/k sum of p(x, z) / q(z|x)) over k draws of z for each image (Burda et al. 2016, equation 8).
            precision: what a training step computes in: ``float32``; ``bfloat16``, with weights, latent, likelihood and
                KL divergence in float32; or ``auto``, bfloat16 where it is faster (see ``zoo.precision``). It is
                followed by layers that ``create_model`` or an architecture's builders made; those of other models
                have the policy that they were made with. Evaluation is in float32.
            jit_compile: as in ``keras.Model.compile``.
            **kwargs: further arguments of ``keras.Model.compile``, such as ``steps_per_execution``; ``metrics``
                compare the images with their reconstructions.

        Raises:
            ValueError: a loss that needs another number of output channels, a negative or non-finite number, no such
                precision, or free bits with the importance-weighted bound, which has no KL divergence of each latent.
        """
        for refused in ("loss_weights", "weighted_metrics"):
            if kwargs.pop(refused, None) is not None:
                raise ValueError(f"{refused} is given: expected none; kl_weight balances the two terms")
        if not isinstance(free_bits, numbers.Real) or not math.isfinite(free_bits) or free_bits < 0:
            raise ValueError(f"free_bits is {free_bits!r}: expected a finite number of at least 0")
        check_importance_samples(importance_samples, free_bits)
        if loss is not None:
            self.likelihood = self._fitting(likelihoods.get(loss))
        self.check_objective(float(free_bits), importance_samples)
        self.kl_schedule = schedules.get(kl_weight)
        self.free_bits = float(free_bits)
        self.importance_samples = int(importance_samples)
        self.precision = resolve_precision(precision)
        self._settled = False
        optimizer = get_optimizer(optimizer)
        # Keras' own copy holds jit_compile as resolved on this machine, and the wrapped optimizer. A proxy, because
        # Keras would look into a dict and log its metrics for ever.
        self._requested = types.MappingProxyType({
            **kwargs, "optimizer": optimizer, "kl_weight": self.kl_schedule,
            "free_bits": self.free_bits, "importance_samples": self.importance_samples,
            "precision": precision, "jit_compile": jit_compile,
        })  # fmt: skip
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        self.kl_step.assign(ops.zeros(()))
        # Slots that exist before a file is read can be loaded from it.
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def kl_weight(self) -> float:
        """The KL weight of the next training step."""
        return float(ops.convert_to_numpy(self.kl_schedule(self.kl_step)))

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

    def settle_precision(self) -> str:
        """Give what training steps compute in: not bfloat16 if that was left to the zoo and a layer cannot."""
        if not self._settled:
            self._settled = True
            if self.precision == "bfloat16" and self._requested["precision"] == "auto":
                obstacle = find_obstacle(self)
                if obstacle is not None:
                    self.precision = "float32"
                    logger.warning("trains in float32, for it cannot compute in bfloat16: %s", obstacle)
        return self.precision

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
        """Give the objective and update what is logged."""
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
        """Give what is logged; metrics given to ``compile`` compare the images with their reconstructions."""
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
        """Give the mean images of images or of a stream, ``(n, H, W, C)`` float32 in [0, 1]."""
        given = check_arguments(keras.Model.predict, x, args, kwargs)
        given["x"] = check_data(x, self.image_shape)
        return super().predict(**stream_arrays(self, given))

    def get_compile_config(self) -> dict[str, Any] | None:
        """Give how it is compiled, as it was asked for."""
        if not self.compiled:
            return None
        return {key: keras.saving.serialize_keras_object(value) for key, value in self._requested.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile it again from ``get_compile_config``."""
        self.compile(**{key: keras.saving.deserialize_keras_object(value) for key, value in config.items()})
