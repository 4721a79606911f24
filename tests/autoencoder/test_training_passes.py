"""Training steps pass once through encoder and decoder, and count what layers add to the loss."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.autoencoder.model import AutoEncoder
from zoo.layers import GaussianHead
from zoo.models import small_cnn

IMAGES = (np.random.default_rng(0).integers(0, 256, (32, 8, 8, 1)) / 255).astype("float32")


def test_layer_losses_enter_the_objective():
    keras.utils.set_random_seed(2)

    @keras.saving.register_keras_serializable(package="tests")
    class Charge(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.mean(ops.square(inputs)))
            return inputs

    inputs = keras.Input((8, 8, 1))
    features = Charge()(inputs)
    features = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.5))(keras.layers.Flatten()(features))
    encoder = keras.Model(inputs, GaussianHead(3)(features))
    latents = keras.Input((3,))
    raw = keras.layers.Dense(64, kernel_regularizer=keras.regularizers.L1(0.1))(latents)
    model = AutoEncoder(encoder, keras.Model(latents, keras.layers.Reshape((8, 8, 1))(raw)))
    model.compile(keras.optimizers.SGD(0.0), kl_weight=0.5)
    kernels = [layer.kernel.numpy().astype("float64") for layer in (encoder.layers[-2], model.decoder.layers[1])]
    extra = np.mean(IMAGES.astype("float64") ** 2) + 0.5 * np.sum(kernels[0] ** 2) + 0.1 * np.abs(kernels[1]).sum()
    assert extra > 1
    history = model.fit(IMAGES, validation_data=IMAGES, batch_size=32, verbose=0).history
    for prefix in ("", "val_"):
        logs = {key: history[prefix + key][0] for key in ("loss", "reconstruction_loss", "kl_loss", "negative_elbo")}
        np.testing.assert_allclose(logs["loss"], logs["reconstruction_loss"] + 0.5 * logs["kl_loss"] + extra, rtol=1e-5)
        np.testing.assert_allclose(logs["negative_elbo"], logs["reconstruction_loss"] + logs["kl_loss"], rtol=1e-5)


def test_layer_losses_are_trained():
    inputs = keras.Input((8, 8, 1))
    features = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(100.0))(keras.layers.Flatten()(inputs))
    encoder = keras.Model(inputs, GaussianHead(3)(features))
    model = AutoEncoder(encoder, small_cnn.build_decoder(3, (8, 8, 1), filters=[4]))
    model.compile(keras.optimizers.SGD(1e-3))
    kernel = encoder.layers[-2].kernel
    before = np.abs(kernel.numpy()).mean()
    model.fit(IMAGES, epochs=10, verbose=0)
    assert np.abs(kernel.numpy()).mean() < 0.3 * before


@keras.saving.register_keras_serializable(package="tests")
class CountPasses(keras.layers.Layer):
    """Count how often the compiled graph goes through this place."""

    def build(self, input_shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def call(self, inputs):
        self.count.assign(self.count + 1.0)
        return inputs


def make_counting_model(**settings):
    inputs = keras.Input((8, 8, 1))
    counters = CountPasses(), CountPasses()
    encoder = keras.Model(inputs, GaussianHead(3)(counters[0](inputs)))
    latents = keras.Input((3,))
    raw = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(counters[1](latents)))
    model = AutoEncoder(encoder, keras.Model(latents, raw))
    model.compile(**settings)
    return model, lambda: [int(counter.count) for counter in counters]


@pytest.mark.parametrize(
    "settings", [{}, {"jit_compile": True}, {"free_bits": 0.1}, {"steps_per_execution": 2}], ids=str
)
def test_one_pass_of_encoder_and_decoder_per_step(settings):
    if keras.backend.backend() == "torch" and {"jit_compile", "steps_per_execution"} & set(settings):
        pytest.skip("Keras has one step per call on PyTorch, whose compiler is a C++ compiler's")
    model, passes = make_counting_model(**settings)
    assert passes() == [0, 0]
    model.fit(IMAGES, batch_size=8, epochs=2, verbose=0)
    assert passes() == [8, 8]
    if "jit_compile" in settings:
        return  # XLA takes long over each function
    model.evaluate(IMAGES, batch_size=8, verbose=0)
    assert passes() == [12, 12]
    model.predict(IMAGES, batch_size=8, verbose=0)
    assert passes() == [16, 16]


def test_one_pass_in_a_direct_step():
    model, passes = make_counting_model()
    for _ in range(3):
        model.train_step(IMAGES)
    assert passes() == [3, 3]


def test_batch_normalisation_moves_once_per_step():
    def make():
        inputs, latents = keras.Input((8, 8, 1)), keras.Input((3,))
        first = keras.layers.BatchNormalization(momentum=0.9)
        encoder = keras.Model(inputs, GaussianHead(3)(first(inputs)))
        second = keras.layers.BatchNormalization(momentum=0.9)
        raw = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(second(latents)))
        model = AutoEncoder(encoder, keras.Model(latents, raw))
        model.compile(keras.optimizers.SGD(0.0), metrics=["mse"])
        return model, first, second

    for steps, train in [
        (1, lambda model: model.train_step(IMAGES)),
        (3, lambda model: model.fit(IMAGES, batch_size=32, epochs=3, verbose=0)),
    ]:
        model, first, second = make()
        train(model)
        expected = IMAGES.mean() * (1 - 0.9**steps)
        np.testing.assert_allclose(first.moving_mean.numpy(), expected, rtol=1e-5)
        expected = 0.9**steps + IMAGES.var() * (1 - 0.9**steps)
        np.testing.assert_allclose(first.moving_variance.numpy(), expected, rtol=1e-5)
        moved = second.moving_mean.numpy()
        assert np.abs(moved).max() > 0
        model.evaluate(IMAGES, verbose=0)
        model.predict(IMAGES, verbose=0)
        np.testing.assert_array_equal(second.moving_mean.numpy(), moved)
