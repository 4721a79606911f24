"""Convolution and max-pooling; the decoder mirrors them with upsampling and convolution."""

import math
from collections.abc import Sequence

import keras
from keras import layers

from zoo.layers import GaussianHead, UpsampleConv2D, halved_sizes


def build_encoder(
    image_shape: tuple[int, int, int], latent_shape: tuple[int, ...], filters: Sequence[int]
) -> keras.Model:
    """Build the encoder, images -> (mean, std); each entry of ``filters`` is a stage that halves the image."""
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for width in filters:
        x = layers.Conv2D(width, 3, padding="same")(x)
        # ReLU after pooling: the same result from a quarter of the values.
        x = layers.Activation("relu")(layers.MaxPooling2D(2, padding="same")(x))
    return keras.Model(inputs, GaussianHead(latent_shape)(x), name="small_cnn_encoder")


def build_decoder(
    latent_shape: tuple[int, ...], output_shape: tuple[int, int, int], filters: Sequence[int]
) -> keras.Model:
    """Build the decoder, z -> raw parameters of shape ``output_shape``, linear."""
    sizes = halved_sizes(output_shape, len(filters))
    inputs = keras.Input(latent_shape, name="latents")
    start = (*sizes[-1], filters[-1])
    x = layers.Dense(math.prod(start), activation="relu")(layers.Flatten()(inputs))
    x = layers.Reshape(start)(x)
    x = layers.Conv2D(filters[-1], 3, padding="same", activation="relu")(x)
    for stage in reversed(range(1, len(filters))):
        x = layers.Activation("relu")(UpsampleConv2D(filters[stage - 1], sizes[stage])(x))
    outputs = UpsampleConv2D(output_shape[-1], sizes[0])(x)
    return keras.Model(inputs, outputs, name="small_cnn_decoder")
