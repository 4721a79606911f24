"""Compiling an ``AutoEncoder``: its training settings, and how a file stores them."""

from __future__ import annotations

import types
from typing import Any

import keras
from keras import ops

from zoo import likelihoods, schedules
from zoo.autoencoder.internals import name_publicly
from zoo.autoencoder.objective import check_samples_of
from zoo.autoencoder.optimizers.adam import get_optimizer
from zoo.autoencoder.precision import resolve_precision
from zoo.autoencoder.settings import AdjustableModel, check_augmentation, check_free_bits
from zoo.registry.recipe import check_importance_samples


class CompiledModel(AdjustableModel):
    """A model that can be compiled."""

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        kl_weight: Any = 1.0,
        free_bits: float = 0.0,
        importance_samples: int = 1,
        *,
        precision: str = "float32",
        augmentation: str = "none",
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Configure how the model is trained.

        Args:
            optimizer: a name or a Keras optimizer.
            loss: a likelihood or a plain Keras loss (or its name) that replaces the model's likelihood until the model
                is compiled again.
            kl_weight: a number, or a schedule such as ``zoo.schedules.LinearWarmUp(1000)``. In the importance-weighted
                bound it multiplies log p(z) - log q(z|x) of every sample.
            free_bits: nats that each latent's KL, averaged over the batch, may have for free in training (Kingma et
                al. 2016, equation 15).
            importance_samples: k. With 2 or more the model is trained, and validated, on the importance-weighted bound,
                -log (1/k sum of p(x, z) / q(z|x)) over k draws of z for each image (Burda et al. 2016, equation 8).
            precision: the precision of training steps: ``float32``; ``bfloat16``, with weights, latent, likelihood and
                KL divergence in float32; or ``auto``, bfloat16 where it is faster. It applies to layers made by
                ``create_model`` or an architecture's builders; other layers keep the policy that they were made with.
                Evaluation is in float32.
            augmentation: what becomes of the images in a training step: ``none``, or ``flip``, which mirrors each of
                them left to right with a probability of one half.
            jit_compile: as in ``keras.Model.compile``.
            **kwargs: further arguments of ``keras.Model.compile``, such as ``steps_per_execution``; ``metrics``
                compare the images with their reconstructions.

        Raises:
            ValueError: the loss needs a different number of output channels, a number is negative or not finite, the
                precision is unknown, or free bits are used with the importance-weighted bound, which has no KL
                divergence per latent.
        """
        for refused in ("loss_weights", "weighted_metrics"):
            if kwargs.pop(refused, None) is not None:
                raise ValueError(f"{refused} is given: expected none; kl_weight balances the two terms")
        check_free_bits(free_bits)
        check_importance_samples(importance_samples, free_bits)
        likelihood = self.own_likelihood if loss is None else self.check_likelihood(likelihoods.get(loss))
        check_samples_of(likelihood, importance_samples)
        self.check_objective(float(free_bits), importance_samples)
        schedule = schedules.get(kl_weight)
        self._likelihood = likelihood
        self._set_kl_schedule(schedule)
        self._free_bits = float(free_bits)
        self._importance_samples = int(importance_samples)
        self._precision = resolve_precision(precision)
        self._settled = False
        check_augmentation(augmentation)
        self._augmentation = augmentation
        optimizer = get_optimizer(optimizer)
        # Keras' own copy has jit_compile as resolved on this machine, and the wrapped optimizer. A proxy, because
        # Keras would track the metrics in a plain dict and log them from then on.
        self._requested = types.MappingProxyType(
            {**kwargs, "optimizer": optimizer, "precision": precision, "jit_compile": jit_compile}
        )
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        self.kl_step.assign(ops.zeros(()))
        # Optimizer slots can be loaded from a file only if they already exist.
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        self._trained = tuple(map(id, self.trainable_variables))

    @property
    def has_metrics(self) -> bool:
        """Whether metrics were passed to ``compile``, which need reconstructions in every step."""
        return bool(self._requested.get("metrics"))

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of ``compile`` as they were passed."""
        if not self.compiled:
            return None
        current = {
            **self._requested, "loss": None if self._likelihood is self.own_likelihood else self._likelihood,
            "kl_weight": self._kl_schedule, "free_bits": self._free_bits,
            "importance_samples": self._importance_samples,
            **({"augmentation": self._augmentation} if self._augmentation != "none" else {}),
        }  # fmt: skip
        return {key: name_publicly(keras.saving.serialize_keras_object(value)) for key, value in current.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile the model from the result of ``get_compile_config``."""
        self.compile(**{key: keras.saving.deserialize_keras_object(value) for key, value in config.items()})
