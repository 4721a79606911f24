"""An architecture and a dataset, with nothing wrong."""

from zoo import Architecture, DatasetSpec, hookimpl


@hookimpl
def zoo_architectures():
    yield Architecture(
        name="dense",
        summary="One dense layer each way",
        encoder=f"{__name__}:build_encoder",
        decoder=build_decoder,
        defaults={"latent_dim": 3, "units": 5},
        requires_zoo=">=0.1",
        source="this test",
    )


@hookimpl
def zoo_datasets():
    return [
        DatasetSpec(
            name="blobs",
            summary="Blobs",
            image_shape=(6, 5, 1),
            classes=("round", "flat"),
            load=f"{__name__}:load",
            recipe={"likelihood": "bernoulli", "epochs": 2},
        )
    ]


def build_encoder(image_shape, latent_shape, units):
    import keras

    from zoo.layers import GaussianHead

    inputs = keras.Input(image_shape)
    x = keras.layers.Dense(units, activation="relu")(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, GaussianHead(latent_shape)(x))


def build_decoder(latent_shape, output_shape, units):
    import math

    import keras

    inputs = keras.Input(latent_shape)
    x = keras.layers.Dense(units, activation="relu")(keras.layers.Flatten()(inputs))
    outputs = keras.layers.Reshape(output_shape)(keras.layers.Dense(math.prod(output_shape))(x))
    return keras.Model(inputs, outputs)


def load(data_dir):
    raise AssertionError("no test loads it")
