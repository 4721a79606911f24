"""Pre-activation residual blocks between convolutions that halve or double the size.

Everything is batch-normalised except the features from which the posterior is computed.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.layers import BatchNormalization, GaussianHead, halved_sizes


def _small() -> keras.initializers.Initializer:
    # A tenth of the usual deviation: blocks start near the identity, and the initial outputs near mid-grey.
    return keras.initializers.VarianceScaling(0.01)


def _activate(x: Any, momentum: float) -> Any:
    # Short training runs end before averages with Keras' momentum of 0.99 have settled.
    return layers.Activation("silu")(BatchNormalization(momentum=momentum)(x))


def _block(x: Any, momentum: float) -> Any:
    width = x.shape[-1]
    branch = _activate(x, momentum)
    branch = layers.Conv2D(max(1, width // 2), 3, padding="same", use_bias=False)(branch)
    branch = _activate(branch, momentum)
    branch = layers.Conv2D(width, 3, padding="same", kernel_initializer=_small())(branch)
    return layers.Add()([x, branch])


def build_encoder(
    image_shape: tuple[int, int, int],
    latent_shape: tuple[int, ...],
    filters: Sequence[int],
    blocks: int,
    momentum: float,
) -> keras.Model:
    """Build the encoder, images -> (mean, std); a stage is a strided convolution, then blocks."""
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for stage, width in enumerate(filters):
        x = layers.Conv2D(width, 5 if stage == 0 else 3, strides=2, padding="same")(x)
        for _ in range(blocks):
            x = _block(x, momentum)
    x = layers.Activation("silu")(x)
    return keras.Model(inputs, GaussianHead(latent_shape)(x), name="residual_encoder")


def build_decoder(
    latent_shape: tuple[int, ...],
    output_shape: tuple[int, int, int],
    filters: Sequence[int],
    blocks: int,
    momentum: float,
) -> keras.Model:
    """Build the decoder, z -> raw parameters of shape ``output_shape``, linear: the encoder's stages in reverse."""
    sizes = halved_sizes(output_shape, len(filters))
    inputs = keras.Input(latent_shape, name="latents")
    start = (*sizes[-1], filters[-1])
    x = layers.Dense(math.prod(start))(layers.Flatten()(inputs))
    x = layers.Reshape(start)(x)
    for stage in reversed(range(len(filters))):
        for _ in range(blocks):
            x = _block(x, momentum)
        x = _activate(x, momentum)
        width, kernel = (filters[stage - 1], "glorot_uniform") if stage else (output_shape[-1], _small())
        # Four is a multiple of the stride, so every pixel is a sum of the same number of products.
        x = layers.Conv2DTranspose(width, 4, strides=2, padding="same", kernel_initializer=kernel)(x)
        if x.shape[1:3] != sizes[stage]:
            x = layers.Cropping2D(((0, x.shape[1] - sizes[stage][0]), (0, x.shape[2] - sizes[stage][1])))(x)
    return keras.Model(inputs, x, name="residual_decoder")
