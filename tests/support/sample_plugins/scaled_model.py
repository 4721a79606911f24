"""The builders of ``scaled``."""

import math

import keras

from zoo.layers import GaussianHead


@keras.saving.register_keras_serializable(package="scaled")
class Scale(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer=keras.initializers.Constant(0.7), name="scale")

    def call(self, inputs):
        return inputs * self.scale


def build_encoder(image_shape, latent_shape):
    inputs = keras.Input(image_shape)
    return keras.Model(inputs, GaussianHead(latent_shape)(Scale()(keras.layers.Flatten()(inputs))))


def build_decoder(latent_shape, output_shape):
    inputs = keras.Input(latent_shape)
    x = keras.layers.Dense(math.prod(output_shape))(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, Scale()(keras.layers.Reshape(output_shape)(x)))
