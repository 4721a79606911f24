"""Stages of two batch-normalised convolutions; all but the last halve the image. The decoder mirrors them.

The encoder's last convolution, from which the posterior is computed, is not normalised.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.layers import BatchNormalization, GaussianHead, UpsampleConv2D, halved_sizes


def _convolve(x: Any, width: int, momentum: float, size: tuple[int, int] | None = None) -> Any:
    """Convolve, normalise and activate; if a size is given, the image is first doubled to it."""
    options = {"use_bias": False, "kernel_initializer": "he_normal"}
    x = _convolution(width, size, **options)(x)
    # Short training runs end before averages with Keras' momentum of 0.99 have settled.
    x = BatchNormalization(momentum=momentum)(x)
    return layers.Activation("silu")(x)


def _convolution(width: int, size: tuple[int, int] | None, **options: Any) -> keras.layers.Layer:
    return (
        layers.Conv2D(width, 3, padding="same", **options) if size is None else UpsampleConv2D(width, size, **options)
    )


def build_encoder(
    image_shape: tuple[int, int, int], latent_shape: tuple[int, ...], filters: Sequence[int], momentum: float
) -> keras.Model:
    """Build the encoder, images -> (mean, std); each entry of ``filters`` is a stage."""
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for stage, width in enumerate(filters, start=1):
        x = _convolve(x, width, momentum)
        if stage < len(filters):
            x = layers.AveragePooling2D(2, padding="same")(x)
            x = _convolve(x, width, momentum)
    x = layers.Conv2D(filters[-1], 3, padding="same", kernel_initializer="he_normal", activation="silu")(x)
    return keras.Model(inputs, GaussianHead(latent_shape)(x), name="deep_cnn_encoder")


def build_decoder(
    latent_shape: tuple[int, ...], output_shape: tuple[int, int, int], filters: Sequence[int], momentum: float
) -> keras.Model:
    """Build the decoder, z -> raw parameters of shape ``output_shape``, linear."""
    sizes = halved_sizes(output_shape, len(filters) - 1)
    inputs = keras.Input(latent_shape, name="latents")
    start = (*sizes[-1], filters[-1])
    x = layers.Dense(math.prod(start), activation="silu")(layers.Flatten()(inputs))
    x = layers.Reshape(start)(x)
    # The first stage keeps the smallest size, as the encoder's last stage does; each later one ends by doubling it.
    size = None
    for stage, width in enumerate(reversed(filters)):
        x = _convolve(x, width, momentum, size)
        x = _convolve(x, width, momentum)
        size = sizes[-1 - stage] if stage > 0 else None
    # Normalised features are of order one; a small kernel keeps the initial outputs near mid-grey.
    small = keras.initializers.VarianceScaling(0.01)
    outputs = _convolution(output_shape[-1], size, kernel_initializer=small)(x)
    return keras.Model(inputs, outputs, name="deep_cnn_decoder")
