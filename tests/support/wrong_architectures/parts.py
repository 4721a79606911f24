"""What wrong architectures are made of, and how they get into ``CASES``."""

import math

import keras
from keras import layers

import zoo
from zoo.layers import GaussianHead

CASES = {}


def make_encoder(image_shape, latent_shape, before=lambda x: x, head=GaussianHead):
    images = keras.Input(image_shape)
    x = layers.Dense(8, activation="tanh")(layers.Flatten()(before(images)))
    return keras.Model(images, head(latent_shape)(x))


def make_decoder(latent_shape, output_shape, before=lambda z: z, after=lambda x: x):
    z = keras.Input(latent_shape)
    x = layers.Dense(8, activation="tanh")(layers.Flatten()(before(z)))
    x = layers.Reshape(output_shape)(layers.Dense(math.prod(output_shape))(x))
    return keras.Model(z, after(x))


def build_encoder(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape)


def build_decoder(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape)


def wrong(*fails, mend, encoder=build_encoder, decoder=build_decoder, **fields):
    """Return an architecture that fails these checks; the first one's message has the mend."""
    fields = {"summary": "Breaks a rule", "defaults": {"latent_dim": 4}, **fields}

    def name_it(name):
        CASES[name] = zoo.Architecture(name, encoder=encoder, decoder=decoder, **fields), fails, mend

    return name_it


def builds(part, *fails, mend, **fields):
    """Decorate a builder, the name of which is the wrong architecture's."""

    def add(builder):
        wrong(*fails, mend=mend, **{part: builder}, **fields)(builder.__name__)
        return builder

    return add


def layer(call):
    """Make a layer, registered with Keras, of what it does: ``call(self, x, training)``."""

    class Made(layers.Layer):
        def call(self, x, training=False):
            return call(self, x, training)

        def compute_output_shape(self, shape):
            return shape

    Made.__name__ = Made.__qualname__ = "".join(part.capitalize() for part in call.__name__.split("_"))
    return keras.saving.register_keras_serializable("wrong")(Made)
