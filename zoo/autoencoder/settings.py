"""The settings of the objective, which take effect whenever they are changed."""

from __future__ import annotations

import contextlib
import logging
import math
import numbers
import types
from collections.abc import Iterator, Mapping
from typing import Any

import keras
from keras import ops

from zoo import schedules
from zoo.autoencoder.checks.weights import Structure, describe_structure, to_array
from zoo.autoencoder.internals import own_variables
from zoo.autoencoder.objective import EvidenceModel, check_samples_of
from zoo.autoencoder.precision import find_obstacle, resolve_precision
from zoo.autoencoder.replicas import check_strategy
from zoo.registry.recipe import AUGMENTATIONS, check_importance_samples
from zoo.typing import Tensor

logger = logging.getLogger("zoo")


class AdjustableModel(EvidenceModel):
    """A model with the settings of its objective; compiled steps are compiled again when one of them changes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kl_schedule: schedules.Schedule = schedules.Constant(1.0)
        self._free_bits = 0.0
        self._importance_samples = 1
        self._precision = "float32"
        self._augmentation = "none"
        self._settled = True
        self._requested: Mapping[str, Any] = {}
        self._trained: tuple[int, ...] = ()
        self._structure: Structure = ()
        scalar = {"shape": (), "trainable": False, "autocast": False, "dtype": "float32"}
        self.kl_step = self.add_weight(**scalar, initializer="zeros", aggregation="only_first_replica", name="kl_step")
        # A variable, so that a callback can change the weight without the step being compiled again.
        self.kl_constant = self.add_weight(
            **scalar, initializer="ones", aggregation="only_first_replica", name="kl_constant"
        )

    @property
    def kl_weight(self) -> float:
        """The KL weight of the next training step; a number or a schedule that is set takes effect at once."""
        return float(to_array(self.kl_weight_of(training=True)))

    @kl_weight.setter
    def kl_weight(self, kl_weight: Any) -> None:
        self.kl_schedule = kl_weight

    @property
    def kl_schedule(self) -> schedules.Schedule:
        """The schedule of the KL weight; a new one takes effect at once, and goes on from the current step."""
        return self._kl_schedule

    @kl_schedule.setter
    def kl_schedule(self, kl_weight: Any) -> None:
        schedule, before = schedules.get(kl_weight), self._kl_schedule
        self._set_kl_schedule(schedule)
        if not isinstance(schedule, schedules.Constant) or not isinstance(before, schedules.Constant):
            self.forget_compiled()

    def _set_kl_schedule(self, schedule: schedules.Schedule) -> None:
        if keras.backend.backend() == "jax":
            self.jax_state_sync()  # Within fit, the values of all variables are elsewhere.
        self._kl_schedule = schedule
        if isinstance(schedule, schedules.Constant):
            self.kl_constant.assign(schedule.value)

    def kl_weight_of(self, *, training: bool) -> Tensor:
        """Return the KL weight of a step, a float32 scalar; validation uses the final one."""
        if isinstance(self._kl_schedule, schedules.Constant):
            return ops.convert_to_tensor(self.kl_constant)
        return ops.cast(self._kl_schedule(self.kl_step) if training else self._kl_schedule.final, "float32")

    @property
    def free_bits(self) -> float:
        """The nats that each latent's KL may have for free; a new value takes effect at once."""
        return self._free_bits

    @free_bits.setter
    def free_bits(self, free_bits: float) -> None:
        check_free_bits(free_bits)
        self.change_setting("_free_bits", float(free_bits))

    @property
    def importance_samples(self) -> int:
        """The k of the importance-weighted bound; a new value takes effect at once."""
        return self._importance_samples

    @importance_samples.setter
    def importance_samples(self, importance_samples: int) -> None:
        check_importance_samples(importance_samples, self._free_bits)
        self.change_setting("_importance_samples", int(importance_samples))

    @property
    def precision(self) -> str:
        """``float32`` or ``bfloat16``; a new value takes effect at once."""
        return self._precision

    @precision.setter
    def precision(self, precision: str) -> None:
        self._requested = types.MappingProxyType({**self._requested, "precision": precision})
        self._settled = False
        self.change_setting("_precision", resolve_precision(precision))

    @property
    def augmentation(self) -> str:
        """``none`` or ``flip``, of training images; a new value takes effect at once."""
        return self._augmentation

    @augmentation.setter
    def augmentation(self, augmentation: str) -> None:
        check_augmentation(augmentation)
        self.change_setting("_augmentation", augmentation)

    def change_setting(self, name: str, value: Any) -> None:
        """Change a private attribute, and have the steps compiled again; ``ValueError`` if it does not fit the rest."""
        before = getattr(self, name)
        super().change_setting(name, value)
        try:
            check_importance_samples(self._importance_samples, self._free_bits)
            check_samples_of(self._likelihood, self._importance_samples)
            self.check_objective(self._free_bits, self._importance_samples)
        except ValueError:
            super().change_setting(name, before)
            raise
        self.forget_compiled()

    def forget_compiled(self) -> None:
        """Have the steps compiled again, also those of a ``fit`` that is running."""
        for step in ("train", "test", "predict"):
            if getattr(self, f"{step}_function", None) is not None:
                getattr(self, f"make_{step}_function")(force=True)

    @contextlib.contextmanager
    def noticing_changes(self, *, training: bool = False) -> Iterator[None]:
        """Notice changes before a single step; what layers change about themselves in it is none of the user's."""
        self.notice_changes(training=training)
        yield
        self._structure = describe_structure(self.encoder, self.decoder)

    def notice_changes(self, *, training: bool = False) -> None:
        """Have the steps compiled again if layers have changed since, such as by ``quantize``.

        Raises:
            ValueError: the model is under a strategy of several machines; or, for training, the trainable weights are
                no longer those that the model was compiled with.
        """
        check_strategy(self)
        structure = describe_structure(self.encoder, self.decoder)
        if structure != self._structure:
            self._structure = structure
            self.forget_compiled()
        if training and self.compiled and self._trained != tuple(map(id, self.trainable_variables)):
            raise ValueError(
                "the trainable weights are not those that the model was compiled with, since layers were frozen, "
                "unfrozen, added or quantised: call compile(...) again before training"
            )

    def settle_precision(self) -> str:
        """Return the precision of training steps; with ``auto``, float32 if a layer does not support bfloat16."""
        if not self._settled:
            self._settled = True
            if self._precision == "bfloat16" and self._requested["precision"] == "auto":
                obstacle = find_obstacle(self)
                if obstacle is not None:
                    self._precision = "float32"
                    logger.warning("training in float32, since the model cannot compute in bfloat16: %s", obstacle)
        return self._precision

    def save_own_variables(self, store: Any) -> None:
        """Save the model's own variables, apart from its constant KL weight, which is an argument of ``compile``."""
        for index, variable in enumerate(self._stored_variables()):
            store[str(index)] = variable

    def load_own_variables(self, store: Any) -> None:
        """Load what ``save_own_variables`` has saved; ``ValueError`` for another number of variables."""
        variables = self._stored_variables()
        if len(store.keys()) != len(variables):
            raise ValueError(f"{self.name}: the file has {len(store.keys())} variables: expected {len(variables)}")
        for index, variable in enumerate(variables):
            variable.assign(store[str(index)])

    def _stored_variables(self) -> list[Any]:
        return [variable for variable in own_variables(self) if variable is not self.kl_constant]


def check_augmentation(augmentation: Any) -> None:
    """Raise ``ValueError`` unless training images can be changed so."""
    if augmentation not in AUGMENTATIONS:
        raise ValueError(f"augmentation is {augmentation!r}: expected one of {', '.join(AUGMENTATIONS)}")


def check_free_bits(free_bits: Any) -> None:
    """Raise ``ValueError`` unless free bits are a finite number of at least 0."""
    if not isinstance(free_bits, numbers.Real) or not math.isfinite(free_bits) or free_bits < 0:
        raise ValueError(f"free_bits is {free_bits!r}: expected a finite number of at least 0")
