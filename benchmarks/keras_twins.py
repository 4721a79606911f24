"""The zoo's networks in plain Keras, as one writes them there: upsampling is a layer of its own."""

import math

from keras import Input, Model, ops
from keras import layers as kl

BOUND = 14.0


def _head(inputs, x, latents):
    moments = kl.Dense(2 * latents)(kl.Flatten()(x))
    mean, log_variance = ops.split(moments, 2, axis=-1)
    # Not a product: Keras takes that of a number and a tensor for a sparse one.
    return Model(inputs, [mean, ops.tanh(log_variance / BOUND) / (1 / BOUND)])


def _start(latents, size, channels, activation):
    inputs = Input((latents,))
    x = kl.Dense(size * size * channels, activation=activation)(inputs)
    return inputs, kl.Reshape((size, size, channels))(x)


def _convolve(x, width):
    x = kl.Conv2D(width, 3, padding="same", use_bias=False)(x)
    return kl.Activation("silu")(kl.BatchNormalization(momentum=0.95)(x))


def small_cnn(size, channels, latents, filters=(32, 64)):
    """Return encoder and decoder."""
    x = inputs = Input((size, size, channels))
    for width in filters:
        x = kl.MaxPooling2D(2)(kl.Conv2D(width, 3, padding="same", activation="relu")(x))
    encoder = _head(inputs, x, latents)
    inputs, x = _start(latents, math.ceil(size / 4), filters[-1], "relu")
    x = kl.Conv2D(filters[-1], 3, padding="same", activation="relu")(x)
    for width in reversed(filters[:-1]):
        x = kl.Conv2D(width, 3, padding="same", activation="relu")(kl.UpSampling2D(2)(x))
    return encoder, Model(inputs, kl.Conv2D(channels, 3, padding="same")(kl.UpSampling2D(2)(x)))


def deep_cnn(size, channels, latents, filters=(32, 64, 64)):
    """Return encoder and decoder."""
    x = inputs = Input((size, size, channels))
    for width in filters[:-1]:
        x = _convolve(kl.AveragePooling2D(2)(_convolve(x, width)), width)
    x = kl.Conv2D(filters[-1], 3, padding="same", activation="silu")(_convolve(x, filters[-1]))
    encoder = _head(inputs, x, latents)
    inputs, x = _start(latents, math.ceil(size / 4), filters[-1], "silu")
    for stage, width in enumerate(reversed(filters)):
        x = kl.UpSampling2D(2)(x) if stage > 1 else x
        x = _convolve(_convolve(x, width), width)
    return encoder, Model(inputs, kl.Conv2D(channels, 3, padding="same")(kl.UpSampling2D(2)(x)))


def _block(x):
    width = x.shape[-1]
    branch = kl.Activation("silu")(kl.BatchNormalization(momentum=0.95)(x))
    branch = _convolve(branch, width // 2)
    return kl.Add()([x, kl.Conv2D(width, 3, padding="same")(branch)])


def residual(size, channels, latents, filters=(32, 64, 96)):
    """Return encoder and decoder."""
    x = inputs = Input((size, size, channels))
    for stage, width in enumerate(filters):
        x = _block(kl.Conv2D(width, 3 if stage else 5, strides=2, padding="same")(x))
    encoder = _head(inputs, kl.Activation("silu")(x), latents)
    inputs, x = _start(latents, math.ceil(size / 8), filters[-1], None)
    for width in (*reversed(filters[:-1]), channels):
        x = kl.Activation("silu")(kl.BatchNormalization(momentum=0.95)(_block(x)))
        x = kl.Conv2DTranspose(width, 4, strides=2, padding="same")(x)
    return encoder, Model(inputs, x)


NETWORKS = {"small_cnn": small_cnn, "deep_cnn": deep_cnn, "residual": residual}
