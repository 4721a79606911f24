"""An architecture with every kind of state that a training has: dropout, moving averages and a draw of its own."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    yield Architecture(
        name="noisy_cnn", summary="Dropout and batch normalisation", encoder=build_encoder, decoder=build_decoder,
        defaults={"latent_dim": 3, "rate": 0.2},
    )  # fmt: skip


def build_encoder(image_shape, latent_shape, rate):
    import keras

    import zoo

    images = keras.Input(image_shape)
    features = keras.layers.Dropout(rate)(images)
    features = keras.layers.Conv2D(4, 3, strides=4, activation="relu")(features)
    features = keras.layers.BatchNormalization()(features)
    features = keras.layers.GaussianNoise(rate)(features)
    return keras.Model(images, zoo.layers.GaussianHead(latent_shape)(features))


def build_decoder(latent_shape, output_shape, rate):
    import math

    import keras

    z = keras.Input(latent_shape)
    hidden = keras.layers.Dropout(rate)(keras.layers.Dense(8, activation="relu")(z))
    values = keras.layers.Dense(math.prod(output_shape))(keras.layers.BatchNormalization()(hidden))
    return keras.Model(z, keras.layers.Reshape(output_shape)(values))
