"""Stages of several convolutions, each followed by batch normalisation."""

import math

import keras
from keras import layers

from zoo.layers import GaussianHead, UpsampleTo, halved_sizes


def _convolve(x, width, repeats):
    for _ in range(repeats):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        # Short trainings end before averages with Keras' momentum of 0.99 have settled.
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)
    return x


def build_encoder(image_shape, latent_shape, filters, convolutions):
    """Give images -> (mean, std); each entry of ``filters`` is a stage of so many convolutions that ends in pooling."""
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for width in filters:
        x = _convolve(x, width, convolutions)
        x = layers.MaxPooling2D(2, padding="same")(x)
    return keras.Model(inputs, GaussianHead(latent_shape)(x), name="deep_cnn_encoder")


def build_decoder(latent_shape, output_shape, filters, convolutions):
    """Give z -> raw parameters of shape ``output_shape``, linear."""
    sizes = halved_sizes(output_shape, len(filters))
    inputs = keras.Input(latent_shape, name="latents")
    start = (*sizes[-1], filters[-1])
    x = layers.Dense(math.prod(start), activation="relu")(layers.Flatten()(inputs))
    x = layers.Reshape(start)(x)
    for width, size in zip(reversed(filters), reversed(sizes[:-1]), strict=True):
        x = UpsampleTo(size)(x)
        x = _convolve(x, width, convolutions)
    outputs = layers.Conv2D(output_shape[-1], 3, padding="same")(x)
    return keras.Model(inputs, outputs, name="deep_cnn_decoder")
