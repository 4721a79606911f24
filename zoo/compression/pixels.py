"""The probabilities of a pixel's values, of every likelihood of whole levels, as an entropy coder takes them."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops
from scipy.special import expit, log_softmax, ndtr

from zoo.compression.stack import Stack
from zoo.errors import CompressionError
from zoo.likelihoods import Bernoulli, DiscretizedGaussian, DiscretizedLogistic, Likelihood, LogisticMixture
from zoo.likelihoods.location_scale import split_location_and_log_scale

Array = npt.NDArray[np.floating]
Symbols = npt.NDArray[np.integer]
BYTES = 256
_MOST_VALUES = 2**20  # Probabilities at a time.
_TINY = 1e-300
# Between the levels, counted from mid-grey (0.5); below the first and above the last one are the tails.
_EDGES = (np.arange(1, BYTES) - 0.5) / (BYTES - 1) - 0.5


class PixelCoder:
    """The pixels of images on a stack, by the probabilities that a likelihood gives them.

    Args:
        likelihood: one of images of 0 and 1, or of 256 levels.
        channels: of an image.

    Raises:
        CompressionError: the likelihood is not one of whole levels, or says no more than the probability of all
            channels together.
    """

    def __init__(self, likelihood: Likelihood, channels: int) -> None:
        if likelihood.support not in ("binary", "bytes"):
            raise CompressionError(
                f"{likelihood.identifier} gives no probability to the levels of a pixel: expected a model whose "
                "likelihood is bernoulli, discretized_logistic, discretized_gaussian, logistic_mixture, or another "
                "one of the support 'binary' or 'bytes'"
            )
        kind = _KINDS.get(type(likelihood), Evaluated)
        self.levels = 2 if likelihood.support == "binary" else BYTES
        self.distribution: Distribution = kind(likelihood, channels, self.levels)
        self._rows = max(1, _MOST_VALUES // (channels * self.levels))

    def push(self, stack: Stack, images: npt.NDArray[np.uint8], parameters: Array) -> None:
        """Push images ``(n, H, W, C)``, uint8, given the decoder's output, ``(n, H, W, parameters)``."""
        symbols = self.symbols(images).reshape(-1, images.shape[-1])
        flat = parameters.reshape(-1, parameters.shape[-1])
        for start in reversed(range(0, len(symbols), self._rows)):
            part = symbols[start : start + self._rows]
            tables = self.distribution.split(flat[start : start + self._rows])
            steps = [
                (part[:, step], self.distribution.probabilities(tables, step, part[:, : step.start]))
                for step in self.distribution.steps
            ]
            for known, table in reversed(steps):
                stack.push(known.reshape(-1), table)

    def pop(self, stack: Stack, parameters: Array, channels: int) -> npt.NDArray[np.uint8]:
        """Pop images ``(n, H, W, C)``; see ``push``."""
        flat = parameters.reshape(-1, parameters.shape[-1])
        symbols = np.empty((len(flat), channels), np.int32)
        for start in range(0, len(flat), self._rows):
            part = symbols[start : start + self._rows]
            tables = self.distribution.split(flat[start : start + self._rows])
            for step in self.distribution.steps:
                table = self.distribution.probabilities(tables, step, part[:, : step.start])
                part[:, step] = stack.pop(table).reshape(len(part), -1)
        scaled = symbols * (BYTES - 1 if self.levels == 2 else 1)
        return scaled.astype(np.uint8).reshape(*parameters.shape[:-1], channels)

    def symbols(self, images: npt.NDArray[np.uint8]) -> Symbols:
        """Return the level of each value."""
        return images if self.levels == BYTES else images // np.uint8(BYTES - 1)


class Distribution(abc.ABC):
    """What a likelihood says of the values of pixels, in steps: each knows the channels of those before.

    Args:
        likelihood: the likelihood.
        channels: of an image.
        levels: 2 or 256.
    """

    def __init__(self, likelihood: Any, channels: int, levels: int) -> None:
        self.likelihood, self.channels, self.levels = likelihood, channels, levels
        self.steps = [slice(0, channels)]

    def split(self, parameters: Array) -> Any:
        """Return the decoder's output for some pixels, ``(n, parameters)``, as ``probabilities`` takes it."""
        return parameters.astype(np.float64)

    @abc.abstractmethod
    def probabilities(self, split: Any, step: slice, earlier: Symbols) -> Array:
        """Return the probability of each level of the channels of a step, ``(n * channels, levels)``.

        Args:
            split: what ``split`` returned.
            step: which channels.
            earlier: the levels of the channels before, ``(n, channels)``.
        """


class Coins(Distribution):
    """The probabilities of ``bernoulli``."""

    def probabilities(self, split: Any, step: slice, earlier: Symbols) -> Array:
        """Return them; see ``Distribution``."""
        logits = split.reshape(-1)
        return np.stack([expit(-logits), expit(logits)], axis=-1)


class Discretized(Distribution):
    """The probabilities of ``discretized_logistic`` and ``discretized_gaussian``."""

    def split(self, parameters: Array) -> Any:
        """Return locations and scales, each ``(n * channels, 1)``; see ``Distribution``."""
        location, log_scale = split_location_and_log_scale(ops.convert_to_tensor(parameters))
        return _column(location), np.exp(_column(log_scale))

    def probabilities(self, split: Any, step: slice, earlier: Symbols) -> Array:
        """Return them; see ``Distribution``."""
        location, scale = split
        function = ndtr if type(self.likelihood) is DiscretizedGaussian else expit
        return _level_masses(function((_EDGES - location) / scale))


class Mixture(Distribution):
    """The probabilities of ``logistic_mixture``: of one channel given those before, from the components' weights."""

    def __init__(self, likelihood: Any, channels: int, levels: int) -> None:
        super().__init__(likelihood, channels, levels)
        self.steps = [slice(channel, channel + 1) for channel in range(channels)]

    def split(self, parameters: Array) -> Any:
        """Return log-weights ``(n, k)``, and locations, scales and coefficients of each channel likewise."""
        weights, locations, log_scales, coefficients = self.likelihood.split(ops.convert_to_tensor(parameters))
        return (
            _double(weights),
            [_double(it) for it in locations],
            [np.exp(_double(it)) for it in log_scales],
            [[_double(it) for it in factors] for factors in coefficients],
        )

    def probabilities(self, split: Any, step: slice, earlier: Symbols) -> Array:
        """Return them; see ``Distribution``."""
        weights, locations, scales, coefficients = split
        values = earlier / (BYTES - 1) - 0.5
        for channel in range(step.start):
            location = self._location(locations[channel], coefficients[channel], values)
            weights = weights + _log_level_mass(values[:, channel, None], location, scales[channel])
        shares = np.exp(log_softmax(weights, axis=-1))
        location = self._location(locations[step.start], coefficients[step.start], values)
        total = np.zeros((len(shares), BYTES))
        for component in range(shares.shape[1]):
            places = (_EDGES - location[:, component, None]) / scales[step.start][:, component, None]
            total += shares[:, component, None] * _level_masses(expit(places))
        return total

    def _location(self, location: Array, factors: Sequence[Array], values: Array) -> Array:
        for channel, factor in enumerate(factors):
            location = location + factor * values[:, channel, None]
        return location


class Evaluated(Distribution):
    """The probabilities of any other likelihood, which is asked for each level; channels must be independent."""

    def __init__(self, likelihood: Any, channels: int, levels: int) -> None:
        super().__init__(likelihood, channels, levels)
        found = self._ask(np.zeros((1, likelihood.output_channels(channels)), np.float32))
        if found is None:
            raise CompressionError(
                f"{likelihood.identifier} gives no probability to a single value: expected a likelihood that defines "
                "_log_prob for each value of an image, independent of the others given the parameters"
            )

    def _ask(self, parameters: Array) -> Array | None:
        """Return log p of each level, ``(levels, n, channels)``; None if it does not come for each value."""
        count = len(parameters)
        values = np.repeat(np.arange(self.levels, dtype=np.float32) / np.float32(self.levels - 1), count)
        images = np.broadcast_to(values[:, None, None, None], (len(values), 1, 1, self.channels))
        repeated = np.tile(parameters, (self.levels, 1))[:, None, None]
        try:
            found = ops.convert_to_numpy(
                self.likelihood._log_prob(ops.convert_to_tensor(images), ops.convert_to_tensor(repeated))
            )
        except TypeError:  # What the base class raises if there is no _log_prob.
            return None
        fits = found.size == len(values) * self.channels
        return found.reshape(self.levels, count, self.channels) if fits else None

    def probabilities(self, split: Any, step: slice, earlier: Symbols) -> Array:
        """Return them; see ``Distribution``."""
        found = self._ask(split.astype(np.float32))
        if found is None or not np.isfinite(found.max(axis=0)).all():
            raise CompressionError(f"{self.likelihood.identifier} gives a probability that is not a finite number")
        shares = np.exp(found.astype(np.float64) - found.max(axis=0))
        flat: Array = np.moveaxis(shares / shares.sum(axis=0), 0, -1).reshape(-1, self.levels)
        return flat


_KINDS: dict[type, type[Distribution]] = {
    Bernoulli: Coins,
    DiscretizedLogistic: Discretized,
    DiscretizedGaussian: Discretized,
    LogisticMixture: Mixture,
}


def _double(values: Any) -> Array:
    converted: Array = ops.convert_to_numpy(values).astype(np.float64)
    return converted


def _column(values: Any) -> Array:
    return _double(values).reshape(-1, 1)


def _level_masses(below: Array) -> Array:
    """Return the mass of each level from a distribution function between them, ``(n, 255)``."""
    return np.diff(below, axis=-1, prepend=0.0, append=1.0)


def _log_level_mass(values: Array, location: Array, scale: Array) -> Array:
    """Return the logarithm of a logistic density's mass on the level of each value, counted from mid-grey."""
    half = 0.5 / (BYTES - 1)
    upper = np.where(values + half > 0.5, np.inf, (values + half - location) / scale)
    lower = np.where(values - half < -0.5, -np.inf, (values - half - location) / scale)
    # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), which does not cancel in the tails.
    softplus: Array = np.logaddexp(0.0, -upper) + np.logaddexp(0.0, lower)
    rest: Array = np.log(np.maximum(-np.expm1(lower - upper), _TINY))
    return rest - softplus
