"""How a model is trained: the settings in a preset."""

from __future__ import annotations

import dataclasses
import numbers
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CALLBACK_PATTERN = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")  # A module of Python's import path.
BINARIZATIONS = ("none", "threshold", "dynamic")
MOST_SAMPLES = 10_000  # Of the importance-weighted bound, in training.
PRECISIONS = ("auto", "float32", "bfloat16")
DECAYS = ("linear", "cosine")  # How the learning rate falls.
AUGMENTATIONS = ("none", "flip")
# The keys of a gradient_clipping mapping, with the least of each: arguments of UsualNorms in zoo.autoencoder.
CLIPPING = {"times": 1.0, "skipped_above": 1.0, "window": 10, "most_skipped": 0}
# The keys allowed in a kl_weight mapping, by its required key: the arguments of a class in zoo.schedules.
KL_SCHEDULES = {
    "warm_up_steps": ("warm_up_steps", "start", "end"),
    "cycle_steps": ("cycle_steps", "ratio", "cycles", "start", "end"),
}


@dataclass(frozen=True)
class Recipe:
    """The likelihood, the optimizer and the other settings of a training run.

    Args:
        likelihood: a name known to ``zoo.likelihoods.get``, or the name of a Keras loss.
        binarization: the model's input stage: ``none``, ``threshold`` (at one half) or ``dynamic`` (redrawn each time).
        optimizer: a name known to ``keras.optimizers.get``.
        learning_rate: > 0.
        learning_rate_decay: the share of a run's steps, at its end, over which the learning rate falls to zero, from 0
            (it stays constant) to 1; see ``zoo.schedules.LinearDecay``.
        learning_rate_shape: how it falls: ``linear``, or ``cosine``, as half a wave (Loshchilov and Hutter 2017).
        learning_rate_warm_up: the number of steps, at the beginning of a run, over which the learning rate rises from
            zero.
        weight_decay: the share of each weight, times the learning rate, that a step takes off (Loshchilov and Hutter
            2019); None: the optimizer's own, which is 0.004 for ``adamw`` and none for most others.
        gradient_clipping: the largest norm of the gradients of all weights together, > 0; larger ones are scaled down
            to it. Or ``{"times": 3.0, "skipped_above": 10.0, "window": 100, "most_skipped": 5}``, of which ``times`` is
            required: the bound is so many times the median norm of the last ``window`` steps, and a gradient beyond
            ``skipped_above`` times the median, or one that is not finite, is left out, but no more than
            ``most_skipped`` in a row. None: any norm.
        weight_averaging: the share, in each step, of the average of earlier weights in the new average, such as 0.999;
            at least 0 and below 1. Validation, the best epoch and the model of a run then have the averaged weights
            (Polyak and Juditsky 1992). 0: no averages.
        augmentation: what becomes of the images in a training step: ``none``, or ``flip``, which mirrors each of them
            left to right with a probability of one half.
        batch_size: images per step.
        epochs: passes over the training split.
        kl_weight: a number >= 0; ``{"warm_up_steps": n, "start": 0.0, "end": 1.0}`` for a linear warm-up over the
            first n steps; or ``{"cycle_steps": n, "ratio": 0.5, "cycles": None, "start": 0.0, "end": 1.0}`` for
            repeated warm-ups (see ``zoo.schedules.Cyclic``).
        free_bits: nats of KL divergence that each latent may use for free, >= 0 (Kingma et al. 2016).
        importance_samples: k of the importance-weighted training bound (Burda et al. 2016); 1 is the ELBO.
        precision: the precision of training steps: ``float32``, ``bfloat16``, or ``auto``, bfloat16 where the CPU is
            faster with it.
        early_stopping: stop after this many epochs without a lower validation loss; None trains all epochs.
        conditional: whether encoder and decoder take the images' labels too, so that the model is one of p(x|y); see
            ``zoo.ConditionalAutoEncoder``.
        callbacks: functions that make a Keras callback for a run, as ``module:function``; each is called with the
            ``zoo.Run`` when training begins.

    Raises:
        ValueError: a value is not as described above.
    """

    likelihood: str = "discretized_logistic"
    binarization: str = "none"
    optimizer: str = "adam"
    learning_rate: float = 0.001
    learning_rate_decay: float = 0.5
    batch_size: int = 128
    epochs: int = 20
    kl_weight: float | Mapping[str, Any] = 1.0
    free_bits: float = 0.0
    importance_samples: int = 1
    precision: str = "auto"
    early_stopping: int | None = None
    callbacks: tuple[str, ...] = ()
    learning_rate_shape: str = "linear"
    learning_rate_warm_up: int = 0
    weight_decay: float | None = None
    gradient_clipping: float | Mapping[str, Any] | None = None
    weight_averaging: float = 0.0
    augmentation: str = "none"
    conditional: bool = False

    def __post_init__(self) -> None:
        """Check every value."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if hasattr(value, "item"):
                object.__setattr__(self, field.name, value.item())  # JSON has no NumPy scalars.
        for key in ("likelihood", "optimizer"):
            if not isinstance(getattr(self, key), str) or not getattr(self, key):
                raise ValueError(f"{key} is {getattr(self, key)!r}: expected a name")
        for key, allowed in (
            ("binarization", BINARIZATIONS), ("precision", PRECISIONS), ("learning_rate_shape", DECAYS),
            ("augmentation", AUGMENTATIONS),
        ):  # fmt: skip
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key} is {getattr(self, key)!r}: expected one of {', '.join(allowed)}")
        if not isinstance(self.conditional, bool):
            raise ValueError(f"conditional is {self.conditional!r}: expected true or false")
        _check_number("learning_rate", self.learning_rate, above=0)
        _check_number("learning_rate_decay", self.learning_rate_decay, least=0)
        if self.learning_rate_decay > 1:
            raise ValueError(f"learning_rate_decay is {self.learning_rate_decay!r}: expected a number from 0 to 1")
        warm_up = self.learning_rate_warm_up
        if not isinstance(warm_up, numbers.Integral) or isinstance(warm_up, bool) or warm_up < 0:
            raise ValueError(f"learning_rate_warm_up is {warm_up!r}: expected a whole number of at least 0")
        if self.weight_decay is not None:
            _check_number("weight_decay", self.weight_decay, least=0)
        if isinstance(self.gradient_clipping, Mapping):
            _check_clipping(self.gradient_clipping)
            object.__setattr__(self, "gradient_clipping", dict(self.gradient_clipping))
        elif self.gradient_clipping is not None:
            _check_number("gradient_clipping", self.gradient_clipping, above=0)
        _check_number("weight_averaging", self.weight_averaging, least=0)
        if self.weight_averaging >= 1:
            raise ValueError(f"weight_averaging is {self.weight_averaging!r}: expected a number from 0 and below 1")
        _check_number("free_bits", self.free_bits, least=0)
        _check_count("batch_size", self.batch_size)
        _check_count("epochs", self.epochs)
        check_importance_samples(self.importance_samples, self.free_bits)
        if self.early_stopping is not None:
            _check_count("early_stopping", self.early_stopping)
        object.__setattr__(self, "callbacks", _check_callbacks(self.callbacks))
        if isinstance(self.kl_weight, Mapping):
            check_schedule(self.kl_weight)
            object.__setattr__(self, "kl_weight", dict(self.kl_weight))
        else:
            _check_number("kl_weight", self.kl_weight, least=0)

    def replace(self, **changes: Any) -> Recipe:
        """Return a recipe with some values changed; the ``TypeError`` for an unknown name lists the valid ones."""
        check_recipe_keys(changes)
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain data for JSON.

        Settings that earlier versions did not have are left out at their defaults, so that runs of these keep their
        names.
        """
        plain = self.describe()
        names = plain.pop("callbacks")
        plain = {key: value for key, value in plain.items() if key not in _LATER or value != _LATER[key]}
        return {**plain, "callbacks": names} if names else plain

    def describe(self) -> dict[str, Any]:
        """Return all settings as plain data."""
        return {**dataclasses.asdict(self), "callbacks": list(self.callbacks)}


RECIPE_KEYS = tuple(field.name for field in dataclasses.fields(Recipe))
_LATER = {
    key: getattr(Recipe, key)
    for key in (
        "learning_rate_shape", "learning_rate_warm_up", "weight_decay", "gradient_clipping", "weight_averaging",
        "augmentation", "conditional",
    )
}  # fmt: skip


def check_recipe_keys(changes: Mapping[str, Any]) -> None:
    """Raise ``TypeError``, listing the valid keys, unless all of ``changes`` are keys of a recipe."""
    for key in changes:
        if key not in RECIPE_KEYS:
            raise TypeError(f"unknown recipe setting {key!r}: expected one of {', '.join(RECIPE_KEYS)}")


def check_importance_samples(samples: Any, free_bits: float) -> None:
    """Raise ``ValueError`` unless this number of samples can be combined with these free bits."""
    _check_count("importance_samples", samples)
    if samples > MOST_SAMPLES:
        raise ValueError(
            f"importance_samples is {samples!r}: expected at most {MOST_SAMPLES:,} in training, where all draws of a "
            "batch are in memory; zoo.evaluate takes more"
        )
    if free_bits and samples > 1:
        raise ValueError(
            f"free_bits is {free_bits!r} with importance_samples {samples!r}: expected one of them, since the "
            "importance-weighted bound has no KL divergence per latent"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and value == value


def _check_number(key: str, value: Any, *, least: float | None = None, above: float | None = None) -> None:
    bound = f"at least {least}" if least is not None else f"above {above}"
    if not _is_number(value):
        hint = " (YAML reads 1e-3 as text: write 0.001 or 1.0e-3)" if isinstance(value, str) else ""
        raise ValueError(f"{key} is {value!r}: expected a number {bound}{hint}")
    if (least is not None and value < least) or (above is not None and value <= above) or value == float("inf"):
        raise ValueError(f"{key} is {value!r}: expected a finite number {bound}")


def _check_count(key: str, value: Any) -> None:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{key} is {value!r}: expected a whole number of at least 1")


def _check_callbacks(value: Any) -> tuple[str, ...]:
    """Return ``value`` as a tuple without repetitions; ``ValueError`` unless it is a list of references."""
    names: list[Any] = list(value) if isinstance(value, list | tuple) else [None]
    if not all(isinstance(name, str) and CALLBACK_PATTERN.fullmatch(name) for name in names):
        raise ValueError(f"callbacks is {value!r}: expected a list of names such as 'my_module:make_callback'")
    return tuple(dict.fromkeys(names))


def check_schedule(value: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` unless a mapping holds the arguments of a schedule in ``zoo.schedules``."""
    kind = next((key for key in KL_SCHEDULES if key in value), None)
    if kind is None or any(key not in KL_SCHEDULES[kind] for key in value):
        raise ValueError(
            f"kl_weight is {dict(value)!r}: expected a number, or a mapping with warm_up_steps and optionally start "
            "and end, or one with cycle_steps and optionally ratio, cycles, start and end"
        )
    _check_count(f"kl_weight: {kind}", value[kind])
    if value.get("cycle_steps") == 1:
        raise ValueError("kl_weight: cycle_steps is 1: expected at least 2, since the weight would stay at its start")
    if value.get("cycles") is not None:
        _check_count("kl_weight: cycles", value["cycles"])
    if "ratio" in value and (not _is_number(value["ratio"]) or not 0 < value["ratio"] <= 1):
        raise ValueError(f"kl_weight: ratio is {value['ratio']!r}: expected a number above 0 and up to 1")
    for key in ("start", "end"):
        if key in value:
            _check_number(f"kl_weight: {key}", value[key], least=0)


def _check_clipping(value: Mapping[str, Any]) -> None:
    if "times" not in value or any(key not in CLIPPING for key in value):
        raise ValueError(
            f"gradient_clipping is {dict(value)!r}: expected a number, or a mapping with times and optionally "
            "skipped_above, window and most_skipped"
        )
    for key, number in value.items():
        _check_number(f"gradient_clipping: {key}", number, least=CLIPPING[key])
        if isinstance(CLIPPING[key], int) and not isinstance(number, numbers.Integral):
            raise ValueError(f"gradient_clipping: {key} is {number!r}: expected a whole number")
    if value.get("skipped_above", float("inf")) < value["times"]:
        raise ValueError(f"gradient_clipping: skipped_above is {value['skipped_above']!r}: expected at least times")
