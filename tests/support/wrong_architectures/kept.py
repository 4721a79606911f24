"""How it is scored, what it shares, and how it is saved."""

import keras
from keras import layers, ops

import zoo
from support.wrong_architectures.parts import builds, layer, make_decoder, make_encoder, wrong

SAVED = {"check_saved_model_is_the_same", "check_saved_model_loads_in_a_new_process"}


# How it is scored.
@keras.saving.register_keras_serializable("wrong")
class NegativeDivergence(zoo.AutoEncoder):
    def elbo_terms(self, images, *, z=None, training=False):
        reconstruction, kl = super().elbo_terms(images, z=z, training=training)
        return reconstruction, -kl


@keras.saving.register_keras_serializable("wrong")
class Brighter(zoo.AutoEncoder):
    def reconstruct(self, images, labels=None):
        return 3 * super().reconstruct(images)


@keras.saving.register_keras_serializable("wrong")
class MeanOfPixels(zoo.AutoEncoder):
    def elbo_terms(self, images, *, z=None, training=False):
        reconstruction, kl = super().elbo_terms(images, z=z, training=training)
        return reconstruction / 784, kl


@keras.saving.register_keras_serializable("wrong")
class FreeDivergence(zoo.AutoEncoder):
    def elbo_terms(self, images, *, z=None, training=False):
        reconstruction, kl = super().elbo_terms(images, z=z, training=training)
        return reconstruction, 0.25 * kl


@keras.saving.register_keras_serializable("wrong")
class Boastful(zoo.AutoEncoder):
    def extra_scores(self):
        return {"mse": 0.0}


TERMS = "check_terms_are_those_of_the_bound"
wrong("check_scores", TERMS, mend="a KL divergence of at least 0", autoencoder=NegativeDivergence)(
    "negative_divergence"
)
wrong("check_scores", mend="choose other names", autoencoder=Boastful)("own_error")
wrong(TERMS, mend="which sums over pixels", autoencoder=MeanOfPixels)("mean_of_pixels")
wrong(TERMS, mend="leave weighting to kl_weight", autoencoder=FreeDivergence)("free_divergence")
wrong("check_images_are_in_range", mend="the likelihood's mean", autoencoder=Brighter)("too_bright")


# What it shares.
_shared = {}


@builds("decoder", "check_models_share_no_state", "check_seed_decides_weights", mend="inside the builders")
def shared_layer(latent_shape, output_shape):
    size = latent_shape[0]
    dense = _shared.setdefault(size, layers.Dense(size))
    return make_decoder(latent_shape, output_shape, before=lambda z: dense(z))


# How it is saved.
@keras.saving.register_keras_serializable("wrong")
class Scale(layers.Layer):
    """Keeps nothing of its argument: with a default it comes back as another layer, without one not at all."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return super().get_config()


@keras.saving.register_keras_serializable("wrong")
class Needy(Scale):
    def __init__(self, factor, **kwargs):
        super().__init__(factor, **kwargs)


@builds("encoder", *sorted(SAVED), mend="add_weight")
def forgets_its_factor(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=Scale(2.0))


@builds("encoder", "check_layers_keep_their_configuration", *SAVED, mend="get_config")
def no_configuration(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=Needy(1.0))


@builds("encoder", "check_saved_model_is_safe", "check_layers_keep_their_configuration", *SAVED, mend="a layer class")
def has_lambda(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=layers.Lambda(lambda x: x * 2))


@builds("encoder", "check_saved_model_loads_in_a_new_process", mend="in the module of the builders")
def local_class(image_shape, latent_shape):
    @keras.saving.register_keras_serializable("wrong")
    class Local(layers.Layer):
        def call(self, x):
            return x

    return make_encoder(image_shape, latent_shape, before=Local())


# What leaves the zoo.
@layer
def nearest_column(self, x, training):
    return x + 1e-3 * ops.cast(ops.expand_dims(ops.argmin(x, axis=2), 2), x.dtype)


@builds("encoder", "check_export", mend="ops.top_k instead of ops.argmin")
def looks_at_bits(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=nearest_column())
