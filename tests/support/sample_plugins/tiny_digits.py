"""A dataset small enough to train on in a test, and architectures that fail in ways a run must survive."""

import os
import time

from zoo import Architecture, DatasetSpec, hookimpl


@hookimpl
def zoo_datasets():
    yield DatasetSpec(
        name="tiny",
        summary="96 digits of the embedded sample",
        image_shape=(28, 28, 1),
        classes=tuple("0123456789"),
        load=load,
        recipe={"batch_size": 16, "epochs": 2},
    )


@hookimpl
def zoo_architectures():
    small = {"encoder": "zoo.plugins.small_cnn.model:build_encoder", "defaults": {"latent_dim": 3, "filters": [4]}}
    decoder = "zoo.plugins.small_cnn.model:build_decoder"
    yield Architecture(name="tiny_cnn", summary="One small stage", decoder=decoder, **small)
    yield Architecture(name="raises", summary="Cannot be built", decoder=raise_error, **small)
    yield Architecture(name="exits", summary="Ends the process", decoder=exit_process, **small)
    yield Architecture(name="unregistered", summary="Cannot be read back", decoder=build_unregistered, **small)
    yield Architecture(name="hangs", summary="Never ends", decoder=never_end, **small)
    yield Architecture(name="eats", summary="Fills the memory", decoder=eat_memory, **small)
    yield Architecture(name="leaves", summary="Ends the process at once", decoder=leave, **small)
    yield Architecture(name="explodes", summary="NaN in the third step", decoder=build_exploding, **small)


def load(data_dir):
    import zoo

    sample = zoo.load_dataset("mnist_sample", limit=96)
    parts = {
        part: zoo.Split(split.images, split.labels, "tiny", part)
        for part, split in (("train", sample.train), ("validation", sample.validation), ("test", sample.test))
    }
    return zoo.Dataset("tiny", classes=sample.classes, image_shape=sample.image_shape, **parts)


def never_end(latent_shape, output_shape, filters):
    while True:
        time.sleep(1)


def eat_memory(latent_shape, output_shape, filters):
    eaten = []
    while True:
        eaten.append(b"x" * 2**25)


def leave(latent_shape, output_shape, filters):
    os._exit(3)


def raise_error(latent_shape, output_shape, filters):
    raise RuntimeError("this decoder cannot be built")


def exit_process(latent_shape, output_shape, filters):
    raise SystemExit("usage: bye")


def build_unregistered(latent_shape, output_shape, filters):
    import keras
    from zoo.plugins.small_cnn.model import build_decoder

    class Unregistered(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    inner = build_decoder(latent_shape, output_shape, filters)
    return keras.Model(inner.inputs, Unregistered()(inner.outputs[0]))


def build_exploding(latent_shape, output_shape, filters):
    import keras
    from zoo.plugins.small_cnn.model import build_decoder

    @keras.saving.register_keras_serializable(package="tiny_digits")
    class Explode(keras.layers.Layer):
        """Gives NaN in the ninth training step: the third of the second epoch."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")

        def call(self, inputs, training=False):
            if training:
                self.steps.assign_add(1.0)
            return inputs + keras.ops.where(self.steps > 8, float("nan"), 0.0)

    inner = build_decoder(latent_shape, output_shape, filters)
    return keras.Model(inner.inputs, Explode()(inner.outputs[0]))
