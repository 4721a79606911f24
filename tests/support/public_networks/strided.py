"""Strided convolutions down to 4 x 4, as of disentangling VAEs: for images of 32 x 32 or 64 x 64 and nothing else."""

import math

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    yield Architecture(
        name="strided",
        summary="Kernels of 4 with stride 2 down to 4 x 4, and dense layers",
        encoder=build_encoder,
        decoder=build_decoder,
        defaults={"latent_dim": 6, "channels": 8, "hidden": 16},
        source="Burgess et al. 2018, arXiv:1804.03599",
        image_shapes=((32, 32, None), (64, 64, None)),
    )


def build_encoder(image_shape, latent_shape, channels, hidden):
    import keras
    from keras import layers

    from zoo.layers import GaussianHead

    x = images = keras.Input(image_shape)
    for _ in range(round(math.log2(image_shape[0] // 4))):
        x = layers.Conv2D(channels, 4, strides=2, activation="relu")(layers.ZeroPadding2D(1)(x))
    x = layers.Reshape((16 * channels,))(x)
    for _ in range(2):
        x = layers.Dense(hidden, activation="relu")(x)
    return keras.Model(images, GaussianHead(latent_shape)(x))


def build_decoder(latent_shape, output_shape, channels, hidden):
    import keras
    from keras import layers

    x = z = keras.Input(latent_shape)
    for _ in range(2):
        x = layers.Dense(hidden, activation="relu")(x)
    x = layers.Reshape((4, 4, channels))(layers.Dense(16 * channels, activation="relu")(x))
    for _ in range(round(math.log2(output_shape[0] // 8))):
        x = layers.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="relu")(x)
    return keras.Model(z, layers.Conv2DTranspose(output_shape[2], 4, strides=2, padding="same")(x))
