"""Pre-activation residual blocks between plain convolutions that change the size and the number of channels.

The decoder is batch-normalised. The encoder is not; its residual branches begin near zero.
"""

import math

import keras
from keras import layers

from zoo.layers import GaussianHead, UpsampleTo, halved_sizes


def _small():
    # A tenth of the usual deviation: a block begins near the identity, and the first outputs near the middle grey.
    return keras.initializers.VarianceScaling(0.01)


def _activate(x, momentum):
    # Short trainings end before averages with Keras' momentum of 0.99 have settled.
    x = x if momentum is None else layers.BatchNormalization(momentum=momentum)(x)
    return layers.Activation("silu")(x)


def _block(x, momentum=None):
    width = x.shape[-1]
    branch = _activate(x, momentum)
    branch = layers.Conv2D(max(1, width // 2), 3, padding="same", use_bias=momentum is None)(branch)
    branch = _activate(branch, momentum)
    branch = layers.Conv2D(width, 3, padding="same", kernel_initializer=_small())(branch)
    return layers.Add()([x, branch])


def build_encoder(image_shape, latent_shape, filters, blocks):
    """Give images -> (mean, std); each entry of ``filters`` is a stage: a strided convolution, then so many blocks."""
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for width in filters:
        x = layers.Conv2D(width, 3, strides=2, padding="same")(x)
        for _ in range(blocks):
            x = _block(x)
    x = layers.Activation("silu")(x)
    return keras.Model(inputs, GaussianHead(latent_shape)(x), name="residual_encoder")


def build_decoder(latent_shape, output_shape, filters, blocks, momentum):
    """Give z -> raw parameters of shape ``output_shape``, linear."""
    sizes = halved_sizes(output_shape, len(filters))
    inputs = keras.Input(latent_shape, name="latents")
    start = (*sizes[-1], filters[-1])
    x = layers.Dense(math.prod(start))(layers.Flatten()(inputs))
    x = layers.Reshape(start)(x)
    for stage, (width, size) in enumerate(zip(reversed(filters), reversed(sizes[:-1]), strict=True)):
        if stage > 0:
            x = layers.Conv2D(width, 3, padding="same")(x)
        for _ in range(blocks):
            x = _block(x, momentum)
        x = UpsampleTo(size)(x)
    x = _activate(x, momentum)
    outputs = layers.Conv2D(output_shape[-1], 3, padding="same", kernel_initializer=_small())(x)
    return keras.Model(inputs, outputs, name="residual_decoder")
