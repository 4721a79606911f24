"""The base class of likelihoods p(x given z), which map a decoder's raw output to the cost of an image in nats."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import keras
from keras import ops

from zoo.errors import PluginLoadError, one_line
from zoo.likelihoods.special_functions import widen
from zoo.registry import catalogue
from zoo.registry.isolation.calls import called
from zoo.registry.references import resolve_reference
from zoo.registry.scoring_specs import LikelihoodSpec
from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class Likelihood(keras.losses.Loss):
    """A stateless likelihood of images given a decoder's raw parameters.

    As a Keras loss, ``likelihood(images, parameters)`` is the mean of ``-log_prob`` over the batch, nats per image.
    Everything learned is in the decoder.

    Images are ``(batch, height, width, channels)``, uint8 in 0..255 or float in [0, 1]; parameters are ``(batch,
    height, width, output_channels(channels))``, any real values.

    A subclass defines ``_log_prob`` (nats of each value) or ``log_prob`` (of each image), ``mean`` and ``sample``.
    Whoever calls these, or ``call``, they get images as float32 in [0, 1] and parameters as float32, whatever the
    precision that the decoder computes in.
    """

    support: ClassVar[str | None] = None  # binary | unit | bytes | real; None: not a likelihood
    parameters_per_channel: ClassVar[int] = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let the methods that a subclass defines get float32."""
        super().__init_subclass__(**kwargs)
        for name, converters in _CONVERTERS.items():
            if inspect.isfunction(vars(cls).get(name)):
                setattr(cls, name, _converting(vars(cls)[name], converters))

    def __init__(self, name: str | None = None, reduction: str = "sum_over_batch_size") -> None:
        super().__init__(name=name or self.__class__.__name__, reduction=reduction, dtype="float32")

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None) -> Tensor:
        """Return the mean over the batch, nats per image, as a Keras loss."""
        # Keras would cast bytes to floats without scaling them.
        return super().__call__(to_unit_interval(y_true), y_pred, sample_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return ``-log_prob`` of each image, ``(batch,)``, nats."""
        return -self.log_prob(y_true, y_pred)

    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Return log p(image) of each image, ``(batch,)``, nats: the sum over pixels and channels."""
        values = self._log_prob(to_unit_interval(images), _widen(parameters))
        return ops.sum(values, axis=tuple(range(1, len(values.shape))))

    def _log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not define _log_prob(images, parameters)")

    def mean(self, parameters: Tensor) -> Tensor:
        """Return the mean image, in [0, 1], of shape ``(batch, height, width, channels)``."""
        raise TypeError(f"{type(self).__name__} does not define mean(parameters)")

    def sample(self, parameters: Tensor, seed: Any = None) -> Tensor:
        """Draw an image from p(x given parameters); ``seed`` is an int or a ``keras.random.SeedGenerator``."""
        raise TypeError(f"{type(self).__name__} does not define sample(parameters, seed)")

    def output_channels(self, image_channels: int) -> int:
        """Return how many channels the decoder must output for images with that many channels."""
        return self.parameters_per_channel * image_channels

    @property
    def identifier(self) -> str:
        """The name under which ``get`` finds it; for others, the name with the settings from ``get_config``."""
        for name, cls in LIKELIHOODS.items():
            if cls is type(self):
                return name
        registered = find_name(self)
        if registered is not None:
            return registered
        common = super().get_config()
        settings = sorted((key, value) for key, value in self.get_config().items() if key not in common)
        shown = ", ".join(f"{key}={value!r}" for key, value in settings)
        return f"{self.name}({shown})" if shown else self.name


def to_unit_interval(images: Tensor) -> Tensor:
    """Return images, uint8 in 0..255 or float in [0, 1], as float32 in [0, 1].

    Raises:
        ValueError: integers other than uint8, whose range is unknown.
    """
    images = ops.convert_to_tensor(images)
    dtype = keras.backend.standardize_dtype(images.dtype)
    if "int" in dtype and dtype != "uint8":
        raise ValueError(
            f"images: got {dtype}; expected uint8 in 0..255 or float in [0, 1]: use images.astype('uint8')"
        )
    images = ops.cast(images, "float32")
    return images / 255.0 if dtype == "uint8" else images


def _widen(parameters: Tensor) -> Tensor:
    return widen(ops.convert_to_tensor(parameters))


# How each method's tensors, in the order of its arguments, are converted.
_CONVERTERS: dict[str, tuple[Callable[[Tensor], Tensor], ...]] = {
    "call": (to_unit_interval, _widen),
    "log_prob": (to_unit_interval, _widen),
    "_log_prob": (to_unit_interval, _widen),
    "mean": (_widen,),
    "sample": (_widen,),
}


def _converting(function: Callable[..., Tensor], converters: tuple[Callable[[Tensor], Tensor], ...]) -> Any:
    names = list(inspect.signature(function).parameters)[1 : 1 + len(converters)]

    @functools.wraps(function)
    def converted(self: Likelihood, *given: Any, **named: Any) -> Tensor:
        tensors = [convert(value) for convert, value in zip(converters, given, strict=False)]
        for name, convert in zip(names, converters, strict=False):
            if name in named:
                named[name] = convert(named[name])
        return function(self, *tensors, *given[len(tensors) :], **named)

    return converted


def make_likelihood(spec: LikelihoodSpec) -> Likelihood:
    """Return a new likelihood that a plugin describes.

    Raises:
        PluginLoadError: it cannot be imported or made, or is none.
    """
    where = f"likelihood {spec.name}" + (f" of plugin {spec.plugin.name}" if spec.plugin else "")
    try:
        make = resolve_reference(spec.likelihood)
        with called(where):
            made = make()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginLoadError(
            f"{where}: {spec.likelihood!r} cannot be made: {type(error).__name__}: {one_line(error)}"
        ) from error
    if not isinstance(made, Likelihood):
        raise PluginLoadError(f"{where}: {spec.likelihood!r} gives {made!r}: expected a zoo.likelihoods.Likelihood")
    return made


def find_name(likelihood: Likelihood) -> str | None:
    """Return the name under which a plugin provides an equal likelihood; None if none does."""
    for name, spec in catalogue.plugin_likelihoods().items():
        if not spec.is_imported or (isinstance(spec.likelihood, type) and spec.likelihood is not type(likelihood)):
            continue
        try:
            made = make_likelihood(spec)
        except PluginLoadError:
            continue
        if type(made) is type(likelihood) and made.get_config() == likelihood.get_config():
            return name
    return None


# Likelihoods by name; ``zoo.likelihoods`` adds its own.
LIKELIHOODS: dict[str, type[Likelihood]] = {}
