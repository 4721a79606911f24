"""An architecture whose layer lacks ``register_keras_serializable``: it trains, but its file cannot be read."""

from zoo import Architecture, hookimpl


@hookimpl
def zoo_architectures():
    yield Architecture(
        name="unregistered",
        summary="One dense layer each way and an unregistered one",
        encoder="zoo.plugins.small_cnn.model:build_encoder",
        decoder=build_decoder,
        defaults={"latent_dim": 3, "filters": [4]},
    )


def build_decoder(latent_shape, output_shape, filters):
    import keras
    from zoo.plugins.small_cnn.model import build_decoder as build

    class Halve(keras.layers.Layer):
        def call(self, inputs):
            return inputs / 2.0

    inner = build(latent_shape, output_shape, filters)
    return keras.Model(inner.inputs, Halve()(inner.outputs[0]))
