"""The smallest encoder and decoder, for what is tested of any."""

import keras
import numpy as np
from keras import layers

import zoo

TINY = {"filters": [4, 8], "latent_dim": 3}
SHAPE = (6, 5, 1)


def build_encoder(image_shape, latent_shape, units=2):
    inputs = keras.Input(image_shape)
    features = layers.Dense(units)(layers.Flatten()(inputs))
    return keras.Model(inputs, zoo.layers.GaussianHead(latent_shape)(features))


def build_decoder(latent_shape, output_shape, units=2, gain=1):
    inputs = keras.Input(latent_shape)
    values = layers.Dense(gain * units * int(np.prod(output_shape)))(layers.Flatten()(inputs))
    values = layers.Dense(int(np.prod(output_shape)))(values)
    return keras.Model(inputs, layers.Reshape(output_shape)(values))


def make_images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(size=shape).astype("float32")
