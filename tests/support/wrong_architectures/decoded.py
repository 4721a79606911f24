"""What the decoder gives."""

import math

import keras
from keras import layers, ops

from support.wrong_architectures.parts import builds, layer, make_decoder


@builds("decoder", "check_decoder_is_linear", mend="remove the final activation")
def sigmoid_at_the_end(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=layers.Activation("sigmoid"))


@layer
def squash_means(self, x, training):
    return ops.concatenate([ops.sigmoid(x[..., :1]), x[..., 1:]], axis=-1)


@builds("decoder", "check_decoder_is_linear", mend="1 of 2 channels")
def sigmoid_of_the_mean(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=squash_means())


@builds("decoder", "check_decoder_is_linear", mend="stay within bounds")
def wide_tanh(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=lambda x: layers.Rescaling(2.0)(layers.Activation("tanh")(x)))


@layer
def cover_corner(self, x, training):
    return ops.pad(x[:, 1:], ((0, 0), (1, 0), (0, 0), (0, 0)))


@builds("decoder", "check_latent_reaches_every_output", mend="let z reach every pixel")
def row_of_zeros(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=cover_corner())


@layer
def without_first(self, z, training):
    return ops.concatenate([ops.zeros_like(z[:, :1]), z[:, 1:]], axis=1)


@builds("decoder", "check_every_latent_reaches_the_output", mend="use all of z")
def idle_latent(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, before=without_first())


@builds("decoder", "check_labels_reach_decoder", mend="let labels, a tensor of learned vectors")
def labels_left_out_of_images(latent_shape, output_shape, labels=None):
    z = keras.Input(latent_shape)
    x = layers.Concatenate()([z, *([] if labels is None else [layers.Rescaling(0.0)(labels)])])
    x = layers.Dense(math.prod(output_shape))(layers.Dense(8, activation="tanh")(x))
    return keras.Model(z if labels is None else [z, labels], layers.Reshape(output_shape)(x))
