"""How it is trained."""

import keras
import numpy as np
from keras import layers, ops

from support.wrong_architectures.parts import builds, layer, make_decoder, make_encoder, wrong
from zoo.layers import GaussianHead


@builds("encoder", "check_training_step_runs", mend="use keras.layers and keras.ops")
def raises_in_training(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=raise_in_training())


@layer
def raise_in_training(self, x, training):
    if training:
        raise RuntimeError("not trained")
    return x


@builds("encoder", "check_gradient_reaches_every_weight", mend="remove what stops gradients")
def stopped_gradient(image_shape, latent_shape):
    images = keras.Input(image_shape)
    x = stop_gradient()(layers.Dense(8, activation="tanh")(layers.Flatten()(images)))
    return keras.Model(images, GaussianHead(latent_shape)(x))


@layer
def stop_gradient(self, x, training):
    return ops.stop_gradient(x)


@layer
def turn_gradient(self, x, training):
    return ops.stop_gradient(2 * x) - x


@builds("decoder", "check_loss_falls", mend="nats per image in")
def learns_backwards(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=turn_gradient())


@builds("encoder", "check_seed_decides_weights", mend="with Keras' initializers")
def weights_from_numpy(image_shape, latent_shape):
    model = make_encoder(image_shape, latent_shape)
    model.set_weights([np.random.normal(size=weight.shape, scale=0.1) for weight in model.get_weights()])
    return model


def _fix_weights(model):
    model.set_weights([0.1 * np.cos(np.arange(weight.size)).reshape(weight.shape) for weight in model.get_weights()])
    return model


wrong(
    "check_seed_decides_weights", mend="do not seed initializers",
    encoder=lambda image_shape, latent_shape: _fix_weights(make_encoder(image_shape, latent_shape)),
    decoder=lambda latent_shape, output_shape: _fix_weights(make_decoder(latent_shape, output_shape)),
)("fixed_weights")  # fmt: skip


@builds("encoder", "check_seed_decides_weights", mend="start with the same")
def layer_with_a_seed(image_shape, latent_shape):
    dense = layers.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(seed=3))
    return make_encoder(image_shape, latent_shape, before=dense)


@layer
def count_calls(self, x, training):
    self.calls = getattr(self, "calls", 0) + bool(training)
    return x * (1 + 0.2 * self.calls) if training else x


@builds("decoder", "check_compiled_and_eager_steps_agree", mend="counters and attributes")
def counts_calls(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=count_calls())


@layer
def numpy_noise(self, x, training):
    if training and not isinstance(x, keras.KerasTensor):
        return x + ops.cast(np.random.normal(), x.dtype)
    return x


@builds("encoder", "check_compiled_and_eager_steps_agree", mend="random numbers from Python or NumPy")
def noise_from_numpy(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=numpy_noise())


@layer
def need_a_batch_size(self, x, training):
    if training and not isinstance(x, keras.KerasTensor):
        return x + ops.zeros((int(x.shape[0]), 1, 1, 1), x.dtype)
    return x


@builds("encoder", "check_tf_data_is_taken", mend="use keras.layers and keras.ops")
def known_batch_sizes_only(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=need_a_batch_size())


@layer
def beyond_float16(self, x, training):
    return ops.square(300 * x) / 300 / 300


@builds("encoder", "check_float16_step", mend="finite numbers: compute exponentials")
def large_in_between(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=beyond_float16())
