"""What the encoder gives."""

import keras
from keras import layers, ops

from support.wrong_architectures.parts import builds, layer, make_encoder
from zoo.layers import GaussianHead


@layer
def logarithm(self, x, training):
    return x + 1e-3 * ops.log(ops.mean(x, axis=(1, 2, 3), keepdims=True))


@builds("encoder", "check_posterior_is_finite", mend="unbounded logarithms and exponentials")
def infinite_for_black(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=logarithm())


@layer
def ones(self, x, training):
    return ops.ones_like(x)


@builds("encoder", "check_posterior_differs_between_images", mend="let the images reach")
def blind(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=ones())


@layer
def centre_batch(self, x, training):
    return x - ops.mean(x, axis=0, keepdims=True)


@builds("encoder", "check_images_do_not_depend_on_their_batch", mend="by moving averages")
def normalised_by_batch(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=centre_batch())


@keras.saving.register_keras_serializable("wrong")
class AlwaysNoisy(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, x):
        return x + 1e-5 * keras.random.normal(ops.shape(x), dtype=x.dtype, seed=self.seed_generator)


@builds("encoder", "check_inference_is_deterministic", mend="outside training")
def noisy(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=AlwaysNoisy())


class HalfHead:
    """Mean and standard deviation of the layers' own type, the latter without a lower bound."""

    def __init__(self, latent_shape, activation="softplus"):
        self.size, self.activation = latent_shape[0], activation

    def __call__(self, x):
        return [layers.Dense(self.size)(x), layers.Dense(self.size, activation=self.activation)(x)]


@builds("encoder", "check_bfloat16_step", "check_float16_step", mend='dtype="float32"')
def head_of_any_type(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, head=HalfHead)


@builds(
    "encoder",
    "check_std_is_positive",
    "check_loss_falls",
    mend="the logarithm of the variance is not a standard deviation",
)
def negative_std(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, head=lambda shape: HalfHead(shape, "linear"))


@layer
def zero(self, x, training):
    return 0 * x


@builds("encoder", "check_std_is_positive", "check_loss_falls", mend="expected values above 0")
def std_of_zero(image_shape, latent_shape):
    encoder = make_encoder(image_shape, latent_shape)
    mean, std = encoder.outputs
    return keras.Model(encoder.input, [mean, zero()(std)])


def without_effect(labels):
    return [] if labels is None else [layers.Rescaling(0.0)(labels)]


@builds("encoder", "check_labels_reach_posterior", mend="let labels, a tensor of learned vectors")
def labels_left_out_of_posterior(image_shape, latent_shape, labels=None):
    images = keras.Input(image_shape)
    x = layers.Dense(8, activation="tanh")(layers.Concatenate()([layers.Flatten()(images), *without_effect(labels)]))
    return keras.Model(images if labels is None else [images, labels], GaussianHead(latent_shape)(x))
