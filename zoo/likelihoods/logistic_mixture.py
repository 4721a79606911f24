"""Mixtures of discretised logistic densities, whose channels are conditioned on each other."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.likelihoods.discretized import DiscretizedLogistic, logistic
from zoo.likelihoods.location_scale import log_scale
from zoo.typing import Tensor

COMPONENTS = 10


@keras.saving.register_keras_serializable(package="zoo")
class LogisticMixture(DiscretizedLogistic):
    """A mixture of logistic densities summed over grey levels, as in PixelCNN++ (Salimans et al. 2017, section 2).

    All channels of a pixel share a component. Within it, a channel's location is shifted by the values of the earlier
    channels, each times a coefficient in (-1, 1): ``location_c + sum over b < c of tanh(coefficient_bc) (x_b - 0.5)``.

    For each component the decoder outputs a logit of its weight; ``C`` locations (relative to an offset per component,
    so that at zero the components are spread over [0, 1]); ``C`` log-scales; ``C (C - 1) / 2`` coefficients. Grey
    images need ``3 * components`` channels, colour images ``10 * components``.

    Args:
        components: the number of components, at least 1.
        name: the name of the loss.
        reduction: as for a Keras loss.

    Raises:
        ValueError: the number of components is not valid.
    """

    def __init__(
        self, components: int = COMPONENTS, name: str | None = None, reduction: str = "sum_over_batch_size"
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        if not isinstance(components, int | np.integer) or isinstance(components, bool) or components < 1:
            raise ValueError(f"components is {components!r}: expected a whole number of at least 1")
        self.components = int(components)

    def output_channels(self, image_channels: int) -> int:
        """Return how many channels the decoder must output for images with that many channels."""
        return self.components * (1 + 2 * image_channels + image_channels * (image_channels - 1) // 2)

    @property
    def identifier(self) -> str:
        """The name under which ``get`` finds it, with the number of components if it is not 10."""
        name = super().identifier
        return name if self.components == COMPONENTS else f"{name}:{self.components}"

    def split(self, parameters: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor], list[list[Tensor]]]:
        """Return log-weights, and each channel's locations, log-scales and coefficients: ``(batch, H, W, components)``.

        Channels are in lists and components last, so that a channel's arrays are contiguous in memory.
        """
        size = parameters.shape[-1]
        channels = next(count for count in itertools.count(1) if self.output_channels(count) >= size)
        if self.output_channels(channels) != size:
            raise ValueError(
                f"parameters have {size} channels: {self.identifier} has {self.output_channels(1)} for grey and "
                f"{self.output_channels(3)} for colour images"
            )
        logits, *rest = ops.split(parameters, size // self.components, axis=-1)
        # Components that start out equal get the same gradient, and separate late or never.
        places = ops.convert_to_tensor((np.arange(self.components) + 0.5) / self.components - 0.5, "float32")
        locations = [raw + places for raw in rest[:channels]]
        log_scales = [log_scale(raw) for raw in rest[channels : 2 * channels]]
        flat = iter(ops.tanh(raw) for raw in rest[2 * channels :])
        coefficients = [[next(flat) for _ in range(channel)] for channel in range(channels)]
        return ops.log_softmax(logits, axis=-1), locations, log_scales, coefficients

    def _log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        joint, locations, log_scales, coefficients = self.split(parameters)
        if images.shape[-1] != len(locations):  # otherwise they might be broadcast
            raise ValueError(
                f"images have {images.shape[-1]} channels, parameters have {parameters.shape[-1]}: expected "
                f"{self.output_channels(images.shape[-1])} for {self.identifier}"
            )
        levels = [self._levels_of(channel) for channel in ops.split(images, len(locations), axis=-1)]
        for level, location, scale, factors in zip(levels, locations, log_scales, coefficients, strict=True):
            for factor, earlier in zip(factors, levels, strict=False):
                location = location + factor * (earlier / (self.levels - 1))
            joint = joint + self._log_mass(level, location, scale)
        return ops.logsumexp(joint, axis=-1)

    def mean(self, parameters: Tensor) -> Tensor:
        """Return the mean image in [0, 1]: the weighted mean of the component means.

        For the first channel, and so for a grey image, it is as exact as ``DiscretizedLogistic.mean``. For a later
        channel, each component's means of the earlier ones replace their values. A location is linear in the values, so
        that is equally exact as long as the ends 0 and 255 cut nothing off. If they do, a component's mean is off by at
        most half the mean absolute deviation of its location, plus the earlier channels' errors times their
        coefficients, since a mean moves in the same direction as its location and no further. In colour that is at most
        0.25 for the second channel and 0.75 for the third.
        """
        log_weights, locations, log_scales, coefficients = self.split(parameters)
        means: list[Tensor] = []
        for location, scale, factors in zip(locations, log_scales, coefficients, strict=True):
            for factor, earlier in zip(factors, means, strict=True):
                location = location + factor * (earlier - 0.5)
            means.append(self._mean(location, scale))
        weighted = ops.exp(log_weights)[..., None, :] * ops.stack(means, axis=-2)
        return ops.minimum(ops.sum(weighted, axis=-1), 1.0)  # the rounded weights may sum to more

    def sample(self, parameters: Tensor, seed: Any = None) -> Tensor:
        """Draw images on the 256 levels k / 255: a component for each pixel, then one channel after another."""
        log_weights, locations, log_scales, coefficients = self.split(parameters)
        shape = (*ops.shape(log_weights)[:-1], self.components + len(locations))
        # One draw for everything: with an int seed, two draws would return the same numbers.
        draw = keras.random.uniform(shape, minval=1e-7, maxval=1.0 - 1e-7, seed=seed)
        # With Gumbel noise, the largest log-weight belongs to a component drawn according to the weights.
        noisy = log_weights - ops.log(-ops.log(draw[..., : self.components]))
        chosen = ops.one_hot(ops.argmax(noisy, axis=-1), self.components)
        noise = logistic(draw[..., self.components :])
        values: list[Tensor] = []
        for channel, (location, scale, factors) in enumerate(zip(locations, log_scales, coefficients, strict=True)):
            for factor, earlier in zip(factors, values, strict=True):
                location = location + factor * (earlier - 0.5)
            location, scale = (ops.sum(chosen * part, axis=-1, keepdims=True) for part in (location, scale))
            values.append(self._to_levels(location + ops.exp(scale) * noise[..., channel : channel + 1]))
        return ops.concatenate(values, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "components": self.components}
