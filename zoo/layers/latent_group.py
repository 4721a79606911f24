"""Groups of latents in the decoder of a hierarchical model, and the path of the posterior through them."""

from __future__ import annotations

import contextlib
import contextvars
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import ops

from zoo.typing import Tensor

# Standard deviations stay within about [1e-4, 10] times those of the prior.
DEVIATION_BOUND = 10.0
_ONE = math.log(math.e - 1.0)  # The softplus of it is 1.

_path: contextvars.ContextVar[PosteriorPath | None] = contextvars.ContextVar("zoo_posterior_path", default=None)


def bounded_deviation(x: Tensor) -> Tensor:
    """Return the softplus of a bounded ``x``, shifted so that 0 becomes 1: a standard deviation, float32, > 0."""
    x = ops.cast(x, "float32")
    return ops.softplus(DEVIATION_BOUND * ops.tanh(x / DEVIATION_BOUND) + _ONE)


@keras.saving.register_keras_serializable(package="zoo")
class LatentGroup(keras.layers.Layer):
    """A group of the latents of a hierarchical decoder: its part of the flat vector, and its posterior.

    All latents are noise: their prior is N(0, I), whatever they are scaled by in the decoder. Within a pass of the
    posterior, the group draws its part from q(e_i | x, e_<i) instead, a diagonal Gaussian whose moments come from the
    decoder's state, which knows the groups before, and from the features that the encoder has found in the image.

    Args:
        start: where the group begins in the flat vector of latents.
        shape: the shape of the group, such as ``(7, 7, 4)``; its last axis holds the latents of a position.
        features_shape: the shape of the encoder's output that it uses: the same but for the last axis.
        source: which of the encoder's outputs that is, from 0.

    Call arguments:
        latents: the flat vector, ``(batch, n)``, which is the decoder's input.
        state: ``(batch, *shape[:-1], channels)``: what the decoder has made of the groups before this one.

    Returns:
        ``(batch, *shape)``, float32.
    """

    def __init__(
        self, start: int, shape: Sequence[int], features_shape: Sequence[int], source: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.start, self.source = int(start), int(source)
        self.shape, self.features_shape = tuple(shape), tuple(features_shape)
        self.size = math.prod(self.shape)
        if self.features_shape[:-1] != self.shape[:-1]:
            raise ValueError(
                f"{type(self).__name__} has the shape {self.shape} and features of shape {self.features_shape}: "
                "expected the same but for the last axis"
            )

    def make_posterior(self, inputs: int) -> keras.layers.Layer:
        """Return the layer from state and features, joined, to means and deviations; a subclass has its own.

        Args:
            inputs: the number of channels of state and features together.

        Returns:
            A layer from ``(batch, *shape[:-1], inputs)`` to ``(batch, *shape[:-1], 2 * shape[-1])``.
        """
        return keras.layers.Dense(2 * self.shape[-1], name="posterior")

    def build(self, latents_shape: tuple[int | None, ...], state_shape: tuple[int | None, ...]) -> None:
        """Create the posterior's layer."""
        state = tuple(state_shape[1:])
        if state[:-1] != self.shape[:-1]:
            raise ValueError(f"{type(self).__name__} has the shape {self.shape}, but its state has {state}")
        inputs = int(state[-1] or 0) + self.features_shape[-1]
        self.posterior_layer = self.make_posterior(inputs)
        self.posterior_layer.build((None, *self.shape[:-1], inputs))
        self.built = True

    def call(self, latents: Tensor, state: Tensor) -> Tensor:
        """Return the group's latents."""
        path = _path.get()
        flat = self.part_of(latents) if path is None else path.take(self, state)
        return ops.reshape(ops.cast(flat, "float32"), (-1, *self.shape))

    def part_of(self, flat: Tensor) -> Tensor:
        """Return the group's part ``(batch, size)`` of a flat vector ``(batch, n)``."""
        return flat[:, self.start : self.start + self.size]

    def posterior(self, state: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of q(e_i | x, e_<i), each ``(batch, *shape)``, float32."""
        joined = ops.concatenate([ops.cast(it, self.compute_dtype) for it in (state, features)], axis=-1)
        mean, deviation = ops.split(self.posterior_layer(joined), 2, axis=-1)
        return ops.cast(mean, "float32"), bounded_deviation(deviation)

    def compute_output_shape(
        self, latents_shape: tuple[int | None, ...], state_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the group's latents."""
        return (latents_shape[0], *self.shape)

    def compute_output_spec(self, latents: Any, state: Any) -> keras.KerasTensor:
        """Return the shape and dtype of the group's latents."""
        return keras.KerasTensor((latents.shape[0], *self.shape), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        own = {
            "start": self.start, "shape": self.shape, "features_shape": self.features_shape, "source": self.source,
        }  # fmt: skip
        return {**super().get_config(), **own}


@dataclass
class PosteriorPath:
    """One pass of the posterior through the groups of a decoder.

    Args:
        features: the encoder's outputs.
        flat: ``(batch, n)``, float32: the noise of every latent; or the latents themselves if ``given``.
        given: whether ``flat`` holds latents, whose posterior is asked for.
    """

    features: Sequence[Tensor]
    flat: Tensor
    given: bool = False
    _parts: dict[int, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict, init=False)

    def take(self, group: LatentGroup, state: Tensor) -> Tensor:
        """Return the latents ``(batch, size)`` of a group, drawn given those before, and keep their moments."""
        mean, deviation = (
            ops.reshape(it, (-1, group.size)) for it in group.posterior(state, self.features[group.source])
        )
        part = group.part_of(self.flat)
        latents = part if self.given else mean + deviation * part
        self._parts[group.start] = mean, deviation, latents
        return latents

    def collect(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the means, the standard deviations and the latents of all groups, each ``(batch, n)``, float32."""
        ordered = [self._parts[start] for start in sorted(self._parts)]
        mean, deviation, latents = (ops.concatenate(parts, axis=-1) for parts in zip(*ordered, strict=True))
        return mean, deviation, latents


@contextlib.contextmanager
def following(path: PosteriorPath) -> Iterator[None]:
    """Let the groups of decoders that are called in this context follow a posterior."""
    token = _path.set(path)
    try:
        yield
    finally:
        _path.reset(token)
