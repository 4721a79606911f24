"""The networks of ``patches``, and their layers."""

import keras
from keras import layers, ops

from zoo.layers import GaussianHead

PATCH = 4


@keras.saving.register_keras_serializable("patches")
class SkipBranch(layers.Layer):
    """Leaves the branch of some images out in training (Huang et al. 2016)."""

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, x, training=False):
        if not training or not self.rate:
            return x
        kept = keras.random.uniform((ops.shape(x)[0], 1, 1), seed=self.seed_generator) >= self.rate
        return x * ops.cast(kept, x.dtype) / (1 - self.rate)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable("patches")
class Positions(layers.Layer):
    """Adds a learned vector to each place."""

    def build(self, shape):
        self.vectors = self.add_weight(shape=shape[1:], initializer="random_normal", name="vectors")

    def call(self, x):
        return x + ops.cast(self.vectors, x.dtype)


def build_encoder(image_shape, latent_shape, width, heads, drop):
    images = keras.Input(image_shape)
    x = layers.Conv2D(width, PATCH, strides=PATCH, padding="same")(images)
    rows, columns = x.shape[1:3]
    x = Positions()(layers.Reshape((rows * columns, width))(x))
    y = layers.LayerNormalization()(x)
    x = layers.Add()([x, SkipBranch(drop)(layers.MultiHeadAttention(heads, width // heads)(y, y))])
    y = layers.Dense(2 * width, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, SkipBranch(drop)(layers.Dropout(drop)(layers.Dense(width)(y)))])
    return keras.Model(images, GaussianHead(latent_shape)(layers.Reshape((rows, columns, width))(x)))


def build_decoder(latent_shape, output_shape, width):
    z = keras.Input(latent_shape)
    x = layers.Conv2D(width, 3, padding="same", activation="gelu")(z)
    x = layers.Conv2DTranspose(output_shape[2], PATCH, strides=PATCH, padding="same")(x)
    extra = (x.shape[1] - output_shape[0], x.shape[2] - output_shape[1])
    return keras.Model(z, layers.Cropping2D(((0, extra[0]), (0, extra[1])))(x))
