"""The layers of the ladder: bottleneck blocks, and latents scaled and shifted by what is above them."""

from typing import Any

import keras
from keras import layers, ops

from zoo.layers import LatentGroup, bounded_deviation


def scaled(variance: float) -> keras.initializers.Initializer:
    """Return an initializer whose weights have this variance times that which keeps a signal's."""
    return keras.initializers.VarianceScaling(variance) if variance else keras.initializers.Zeros()


@keras.saving.register_keras_serializable(package="ladder")
class Bottleneck(layers.Layer):
    """Convolutions of 1x1, 3x3, 3x3 and 1x1, each after an activation, the middle ones narrow; no normalisation.

    Args:
        filters: the number of output channels.
        width: that of the narrow ones.
        variance: of the last kernel's weights, relative to the usual one; 0 starts with zeros.
        residual: whether the input is added, which must then have as many channels as the output.
        dropout: the share of the narrow channels' values that training drops.

    Call arguments:
        features: ``(batch, height, width, channels)``.

    Returns:
        ``(batch, height, width, filters)``.
    """

    def __init__(
        self,
        filters: int,
        width: int,
        variance: float = 1.0,
        *,
        residual: bool = False,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.width, self.variance = int(filters), int(width), float(variance)
        self.residual, self.dropout = residual, float(dropout)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the convolutions; around a position at the edges of a tiny map there is nothing but padding."""
        kernel = 3 if min(input_shape[1], input_shape[2]) > 2 else 1  # type: ignore[type-var, operator]
        # The global policy may compute in bfloat16 in training, which its name, float32, does not say.
        policy = {} if self.dtype_policy.name == "float32" else {"dtype": self.dtype_policy}
        # Names of their own, since Keras' depend on what else a process has made.
        self.convolutions = [
            layers.Conv2D(self.width, size, padding="same", name=f"narrow_{number}", **policy)
            for number, size in enumerate((1, kernel, kernel))
        ]
        last = scaled(self.variance)
        self.convolutions.append(layers.Conv2D(self.filters, 1, kernel_initializer=last, name="last", **policy))
        shape: Any = tuple(input_shape)
        for convolution in self.convolutions:
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
        self.drop = layers.Dropout(self.dropout, name="drop", **policy) if self.dropout else None
        self.built = True

    def call(self, features: Any, training: bool = False) -> Any:
        """Return the new features."""
        x = features
        for convolution in self.convolutions:
            x = ops.silu(x)
            if convolution is self.convolutions[-1] and self.drop is not None:
                x = self.drop(x, training=training)
            x = convolution(x)
        return features + x if self.residual else x

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output's shape."""
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        own = {
            "filters": self.filters, "width": self.width, "variance": self.variance, "residual": self.residual,
            "dropout": self.dropout,
        }  # fmt: skip
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="ladder")
class BottleneckGroup(LatentGroup):
    """A group of latents whose posterior is a ``Bottleneck`` of that many narrow channels; see ``LatentGroup``."""

    def __init__(self, *args: Any, width: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.width = int(width)

    def make_posterior(self, inputs: int) -> keras.layers.Layer:
        """Return the bottleneck, with which the posterior starts near the prior."""
        return Bottleneck(2 * self.shape[-1], self.width, 0.1, name="posterior")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable(package="ladder")
class FromNoise(layers.Layer):
    """Latents from noise: z = mean + deviation * e, both of which the prior's network says; float32.

    Call arguments:
        prior: what that network outputs, ``(batch, height, width, 2 * latents + more)``.
        noise: e, ``(batch, height, width, latents)``.

    Returns:
        z, ``(batch, height, width, latents)``, and the rest of what the network says, ``(batch, height, width, more)``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, prior: Any, noise: Any) -> tuple[Any, Any]:
        """Return z and the rest."""
        latents = noise.shape[-1]
        # Not ops.split, which PyTorch cannot export.
        mean, deviation = prior[..., :latents], prior[..., latents : 2 * latents]
        return mean + bounded_deviation(deviation) * noise, prior[..., 2 * latents :]

    def compute_output_shape(self, prior_shape: tuple[Any, ...], noise_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shapes of z and of the rest."""
        return tuple(noise_shape), (*prior_shape[:-1], prior_shape[-1] - 2 * noise_shape[-1])
