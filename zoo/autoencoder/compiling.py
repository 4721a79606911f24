"""Compiling an ``AutoEncoder``: its training settings, and how a file stores them."""

from __future__ import annotations

import logging
import math
import numbers
import types
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from zoo import likelihoods, schedules
from zoo.autoencoder.adam import get_optimizer
from zoo.autoencoder.objective import EvidenceModel, check_samples_of
from zoo.autoencoder.precision import find_obstacle, resolve_precision
from zoo.registry.recipe import check_importance_samples

logger = logging.getLogger("zoo")


class CompiledModel(EvidenceModel):
    """A model with its training settings."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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
        if not isinstance(free_bits, numbers.Real) or not math.isfinite(free_bits) or free_bits < 0:
            raise ValueError(f"free_bits is {free_bits!r}: expected a finite number of at least 0")
        check_importance_samples(importance_samples, free_bits)
        likelihood = self.own_likelihood if loss is None else self.check_likelihood(likelihoods.get(loss))
        check_samples_of(likelihood, importance_samples)
        self.check_objective(float(free_bits), importance_samples)
        self.likelihood = likelihood
        self.kl_schedule = schedules.get(kl_weight)
        self.free_bits = float(free_bits)
        self.importance_samples = int(importance_samples)
        self.precision = resolve_precision(precision)
        self._settled = False
        optimizer = get_optimizer(optimizer)
        # Keras' own copy has jit_compile as resolved on this machine, and the wrapped optimizer. A proxy, because
        # Keras would track the metrics in a plain dict and log them from then on.
        self._requested = types.MappingProxyType({
            **kwargs, "optimizer": optimizer, "loss": None if loss is None else likelihood,
            "kl_weight": self.kl_schedule,
            "free_bits": self.free_bits, "importance_samples": self.importance_samples,
            "precision": precision, "jit_compile": jit_compile,
        })  # fmt: skip
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        self.kl_step.assign(ops.zeros(()))
        # Optimizer slots can be loaded from a file only if they already exist.
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def has_metrics(self) -> bool:
        """Whether metrics were passed to ``compile``, which need reconstructions in every step."""
        return bool(self._requested.get("metrics"))

    @property
    def kl_weight(self) -> float:
        """The KL weight of the next training step."""
        return float(ops.convert_to_numpy(self.kl_schedule(self.kl_step)))

    def settle_precision(self) -> str:
        """Return the precision of training steps; with ``auto``, float32 if a layer does not support bfloat16."""
        if not self._settled:
            self._settled = True
            if self.precision == "bfloat16" and self._requested["precision"] == "auto":
                obstacle = find_obstacle(self)
                if obstacle is not None:
                    self.precision = "float32"
                    logger.warning("training in float32, since the model cannot compute in bfloat16: %s", obstacle)
        return self.precision

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of ``compile`` as they were passed."""
        if not self.compiled:
            return None
        return {key: keras.saving.serialize_keras_object(value) for key, value in self._requested.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile the model from the result of ``get_compile_config``."""
        self.compile(**{key: keras.saving.deserialize_keras_object(value) for key, value in config.items()})
