"""Hierarchical models that leave out, or let in, what they must not."""

import math

import keras
from keras import layers, ops

import zoo
from support.wrong_architectures.parts import wrong
from zoo.layers import LatentGroup

WIDTH = 8
TOP = 2  # Latents of the first of two groups.


def build_encoder(image_shape, latent_shape):
    images = keras.Input(image_shape)
    return keras.Model(images, layers.Dense(WIDTH, activation="tanh")(layers.Flatten()(images)))


def make_decoder(latent_shape, output_shape, second=LatentGroup):
    """Make a decoder of two groups, the second of which is one of that class."""
    inputs = keras.Input(latent_shape)
    state = layers.Dense(WIDTH, use_bias=False, kernel_initializer="zeros", trainable=False)(inputs)
    top = LatentGroup(0, (TOP,), (WIDTH,))(inputs, state)
    state = layers.Dense(WIDTH, activation="tanh")(top)
    rest = second(TOP, (latent_shape[0] - TOP,), (WIDTH,))(inputs, state)
    state = layers.Add()([state, layers.Dense(WIDTH)(rest)])
    x = layers.Dense(math.prod(output_shape))(layers.Activation("tanh")(state))
    return keras.Model(inputs, layers.Reshape(output_shape)(x))


def build_decoder(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape)


@keras.saving.register_keras_serializable("wrong")
class WithoutTheTop(zoo.HierarchicalAutoEncoder):
    def latent_terms(self, images, *, z=None, training=False):
        reconstruction, kl = super().latent_terms(images, z=z, training=training)
        return reconstruction, ops.concatenate([ops.zeros_like(kl[:, :TOP]), kl[:, TOP:]], axis=1)


@keras.saving.register_keras_serializable("wrong")
class WeighedApart(zoo.HierarchicalAutoEncoder):
    """The weights are those of p(x, e_2 | e_1) alone."""

    def importance_terms(self, images, samples, *, posterior=None, seed=None, training=False):
        images = self.prepare(images)
        noise = keras.random.normal((samples * ops.shape(images)[0], *self.latent_shape), seed=seed)
        found = self.infer(images, noise=noise, training=training)
        ratio = 0.5 * (ops.square(noise) - ops.square(found.latents)) + ops.log(found.std)
        log_likelihood = self.likelihood.log_prob(ops.tile(images, (samples, 1, 1, 1)), found.parameters)
        parts = (ops.reshape(part, (samples, -1)) for part in (log_likelihood, ops.sum(ratio[:, TOP:], axis=1)))
        return *parts, ops.zeros(ops.shape(images)[0])


@keras.saving.register_keras_serializable("wrong")
class BlindGroup(LatentGroup):
    def posterior(self, state, features):
        return super().posterior(state, ops.zeros_like(features))


@keras.saving.register_keras_serializable("wrong")
class LeakyGroup(LatentGroup):
    """Returns more than latents where there is an image."""

    seen = None

    def posterior(self, state, features):
        self.seen = features
        return super().posterior(state, features)

    def call(self, latents, state):
        self.seen = None
        made = super().call(latents, state)
        return made if self.seen is None else made + ops.cast(self.seen[:, : self.size], made.dtype)


KIND = {"autoencoder": zoo.HierarchicalAutoEncoder, "encoder": build_encoder}
DIVERGENCE, TERMS = "check_every_group_has_its_divergence", "check_terms_are_those_of_the_bound"
wrong(
    DIVERGENCE, TERMS, "check_importance_weights_are_joint", mend="all groups but group 1",
    **KIND | {"autoencoder": WithoutTheTop}, decoder=build_decoder,
)("without_the_top")  # fmt: skip
wrong(
    "check_importance_weights_are_joint", mend="drawn together",
    **KIND | {"autoencoder": WeighedApart}, decoder=build_decoder,
)("weighed_apart")  # fmt: skip
wrong(
    "check_every_group_sees_the_image", mend="let the features reach it", **KIND,
    decoder=lambda latent_shape, output_shape: make_decoder(latent_shape, output_shape, BlindGroup),
)("blind_group")  # fmt: skip
wrong(
    "check_prior_does_not_see_the_image", TERMS, mend="nothing but latents", **KIND,
    decoder=lambda latent_shape, output_shape: make_decoder(latent_shape, output_shape, LeakyGroup),
)("leaky_group")  # fmt: skip
