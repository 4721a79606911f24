"""Models of own encoders and decoders: whatever of Keras they use, they load as they were."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).random((4, *SHAPE), "float32")


def make_model(between, **compile_options):
    images, latents = keras.Input(SHAPE), keras.Input((2,))
    encoder = keras.Model(images, zoo.layers.GaussianHead((2,))(layers.Flatten()(between(images))))
    decoder = keras.Model(latents, layers.Reshape(SHAPE)(layers.Dense(64)(latents)))
    model = zoo.AutoEncoder(encoder, decoder, seed=1)
    if compile_options:
        model.compile(**compile_options)
    return model


def check_round_trip(model, folder):
    model.save(folder / "own.keras")
    again = zoo.load_model(folder / "own.keras")
    np.testing.assert_allclose(again.reconstruct(IMAGES), model.reconstruct(IMAGES), atol=1e-6)
    return again


def rows(layer):
    return lambda x: layer(layers.Reshape((8, 8))(x))


def attention(x):
    x = layers.Reshape((8, 8))(x)
    return layers.MultiHeadAttention(2, 3)(x, x) + layers.Attention()([x, x])


def merged(x):
    y, z = layers.Conv2D(2, 3, padding="same")(x), layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    together = [layers.Add()([y, z]), layers.Multiply()([y, z]), layers.Maximum()([y, z]), layers.Average()([y, z])]
    return layers.Concatenate()(together)


def computed(x):
    y = ops.concatenate([x * 2 - 1, ops.relu(x), ops.square(x) + np.full((1, 1, 1, 1), 0.5, "float32")], -1)
    y = ops.transpose(ops.reshape(y, (-1, 64, 3)), (0, 2, 1)) / (1.0 + ops.mean(y))
    return ops.where(y > 0.3, ops.clip(y, 0, 1), ops.tanh(y[:, :, :]))[:, ::2]


def nested(x):
    part = keras.Sequential([layers.Dense(3, "gelu"), layers.LayerNormalization(), layers.Dense(1)], name="part")
    part.build((None, *SHAPE))
    return part(part(x))


def shared(x):
    first, second = layers.Dense(3), layers.Dense(1)
    return second(first(second(first(x))))


SETTINGS = {
    "kernel_initializer": keras.initializers.VarianceScaling(2.0, "fan_out", seed=3),
    "kernel_regularizer": keras.regularizers.L1L2(0.01, 0.02),
    "kernel_constraint": keras.constraints.MaxNorm(1.5),
    "bias_initializer": keras.initializers.Constant(0.25),
    "activation": keras.activations.silu,
}
PARTS = {
    "convolutions": lambda x: layers.Conv2DTranspose(2, 3, 2, "same")(layers.SeparableConv2D(3, 3, 2, "same")(x)),
    "settings": lambda x: layers.Conv2D(2, 3, **SETTINGS)(x),
    "orthogonal": lambda x: layers.Dense(3, kernel_initializer="orthogonal", kernel_regularizer="l2")(x),
    "pooling": lambda x: layers.AveragePooling2D(2)(layers.MaxPooling2D()(layers.ZeroPadding2D(4)(x))),
    "sizes": lambda x: layers.Cropping2D(1)(layers.UpSampling2D(2, interpolation="bilinear")(x)),
    "resizing": lambda x: layers.Rescaling(2.0, -1)(layers.Resizing(6, 6)(x)),
    "augmentation": lambda x: layers.RandomFlip(seed=1)(layers.RandomTranslation(0.1, 0.1)(x)),
    "normalization": lambda x: layers.GroupNormalization(1)(layers.BatchNormalization()(layers.RMSNormalization()(x))),
    "statistics": lambda x: layers.Normalization(mean=[0.5], variance=[0.04])(x),
    "spectral": lambda x: layers.SpectralNormalization(layers.Conv2D(2, 3))(x),
    "dropout": lambda x: layers.GaussianNoise(0.1)(layers.SpatialDropout2D(0.2)(layers.Dropout(0.3, seed=2)(x))),
    "activations": lambda x: layers.PReLU()(
        layers.LeakyReLU()(layers.ELU()(layers.Softmax(axis=1)(layers.ReLU(6.0)(x))))
    ),
    "recurrent": rows(layers.Bidirectional(layers.LSTM(3, return_sequences=True))),
    "cells": rows(layers.RNN([layers.GRUCell(3), layers.SimpleRNNCell(2)])),
    "distributed": lambda x: layers.TimeDistributed(layers.Dense(2, "relu"))(x),
    "einsum": lambda x: layers.EinsumDense("bhwc,cd->bhwd", (8, 8, 3), bias_axes="d")(x),
    "attention": attention,
    "merged": merged,
    "computed": computed,
    "nested": nested,
    "shared": shared,
    "permuted": lambda x: layers.RepeatVector(2)(layers.GlobalAveragePooling2D()(layers.Permute((2, 1, 3))(x))),
    "regularised": lambda x: layers.ActivityRegularization(0.1)(layers.Identity()(layers.UnitNormalization()(x))),
}


@pytest.mark.parametrize("between", PARTS.values(), ids=PARTS)
def test_layers_and_operations(between, tmp_path):
    check_round_trip(make_model(between), tmp_path)


@pytest.mark.parametrize("dtype", ["mixed_float16", "bfloat16"])
def test_policies(dtype, tmp_path):
    check_round_trip(make_model(lambda x: layers.Dense(3, dtype=dtype)(x)), tmp_path)


SCHEDULE = keras.optimizers.schedules.CosineDecay(0.01, 50, warmup_target=0.02, warmup_steps=5)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": keras.optimizers.AdamW(SCHEDULE, use_ema=True, global_clipnorm=1.0)},
        {"optimizer": keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipvalue=1.0)},
        {"optimizer": "rmsprop", "metrics": ["mae", keras.metrics.RootMeanSquaredError()]},
        {"optimizer": keras.optimizers.Adafactor(), "loss": keras.losses.Huber(0.5)},
        {"optimizer": "lion", "loss": "mse", "kl_weight": zoo.schedules.LinearWarmUp(7)},
    ],
    ids=["adamw", "sgd", "rmsprop", "adafactor", "lion"],
)
def test_compiled(options, tmp_path):
    model = make_model(layers.Dense(2), **options)
    model.fit(IMAGES, batch_size=2, verbose=0)
    again = check_round_trip(model, tmp_path)
    for slot, same in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_allclose(np.array(slot), np.array(same), rtol=1e-6)
    assert again.get_compile_config() == model.get_compile_config()


def test_a_part_that_was_compiled_itself(tmp_path):
    model = make_model(layers.Dense(2))
    model.encoder.compile("adam", "mse")
    check_round_trip(model, tmp_path)


@keras.saving.register_keras_serializable("test_own_models")
def halve(x):
    return x / 2


@keras.saving.register_keras_serializable("test_own_models")
class Initializer(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return ops.ones(shape, dtype) * 0.1


def test_what_was_registered(tmp_path):
    model = make_model(lambda x: layers.Dense(2, activation=halve, kernel_initializer=Initializer())(x))
    again = check_round_trip(model, tmp_path)
    assert again.encoder.layers[1].activation is halve
