"""Architectures that break one rule each: name -> the checks that it fails, and a word of the mend."""

import math

import keras
import numpy as np
from keras import layers, ops

import zoo
from zoo.layers import GaussianHead

SAVED = {"check_saved_model_is_the_same", "check_saved_model_loads_in_a_new_process"}
POLICIES = {"check_bfloat16_step", "check_float16_step"}
CASES = {}


def make_encoder(image_shape, latent_shape, before=lambda x: x, head=GaussianHead):
    images = keras.Input(image_shape)
    x = layers.Dense(8, activation="tanh")(layers.Flatten()(before(images)))
    return keras.Model(images, head(latent_shape)(x))


def make_decoder(latent_shape, output_shape, before=lambda z: z, after=lambda x: x):
    z = keras.Input(latent_shape)
    x = layers.Dense(8, activation="tanh")(layers.Flatten()(before(z)))
    x = layers.Reshape(output_shape)(layers.Dense(math.prod(output_shape))(x))
    return keras.Model(z, after(x))


def build_encoder(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape)


def build_decoder(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape)


def wrong(*fails, mend, encoder=build_encoder, decoder=build_decoder, **fields):
    """Give an architecture that fails these checks; the first one's message has the mend."""
    fields = {"summary": "Breaks a rule", "defaults": {"latent_dim": 4}, **fields}

    def name_it(name):
        CASES[name] = zoo.Architecture(name, encoder=encoder, decoder=decoder, **fields), fails, mend

    return name_it


def builds(part, *fails, mend, **fields):
    """Decorate a builder, the name of which is the wrong architecture's."""

    def add(builder):
        wrong(*fails, mend=mend, **{part: builder}, **fields)(builder.__name__)
        return builder

    return add


def layer(call):
    """Make a layer, registered with Keras, of what it does: ``call(self, x, training)``."""

    class Made(layers.Layer):
        def call(self, x, training=False):
            return call(self, x, training)

        def compute_output_shape(self, shape):
            return shape

    Made.__name__ = Made.__qualname__ = "".join(part.capitalize() for part in call.__name__.split("_"))
    return keras.saving.register_keras_serializable("wrong")(Made)


# What is declared.
wrong("check_summary_is_one_line", mend="one line of 1 to 100", summary="Two\nlines")("long_summary")
wrong(
    "check_latent_size_has_a_default", mend="give one, such as Architecture(defaults={'latent_dim': 16})", defaults={}
)("no_latent_size")
wrong("check_defaults_reach_a_builder", mend="name it in build_encoder", defaults={"latent_dim": 4, "width": 8})(
    "idle_default"
)


@builds(
    "encoder", "check_defaults_survive_json", mend="numbers, text, true or false",
    defaults={"latent_dim": 4, "widths": frozenset({8})},
)  # fmt: skip
def default_of_sets(image_shape, latent_shape, widths):
    return make_encoder(image_shape, latent_shape)


# What is built.
@builds("encoder", "check_builds_for_grey_images", mend="derive every size")
def colour_only(image_shape, latent_shape):
    if image_shape[2] == 1:
        raise ValueError("expected colours")
    return make_encoder(image_shape, latent_shape)


@builds("encoder", "check_builds_for_colour_images", mend="derive every size")
def grey_only(image_shape, latent_shape):
    return make_encoder((*image_shape[:2], min(image_shape[2], 2)), latent_shape)


@builds("decoder", "check_builds_for_an_odd_size", mend="zoo.layers.halved_sizes")
def even_sizes_only(latent_shape, output_shape):
    height, width, channels = output_shape
    half = make_decoder(latent_shape, (height // 2, width // 2, channels))
    return keras.Model(half.input, layers.UpSampling2D()(half.output))


@builds("encoder", "check_builds_for_another_latent_size", mend="derive every size")
def fixed_latent(image_shape, latent_shape):
    return make_encoder(image_shape, (4,))


@builds("decoder", "check_builds_for_every_likelihood", mend="output_shape")
def few_channels(latent_shape, output_shape):
    return make_decoder(latent_shape, (*output_shape[:2], min(output_shape[2], 12)))


# What the encoder gives.
@layer
def logarithm(self, x, training):
    return x + 1e-3 * ops.log(ops.mean(x, axis=(1, 2, 3), keepdims=True))


@builds("encoder", "check_posterior_is_finite", mend="logarithms and exponentials without a bound")
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


@builds("encoder", "check_std_is_positive", "check_loss_falls", mend="a variance's logarithm is no standard deviation")
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


# What the decoder gives.
@builds("decoder", "check_decoder_is_linear", mend="take the activation")
def sigmoid_at_the_end(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=layers.Activation("sigmoid"))


@layer
def cover_corner(self, x, training):
    return ops.pad(x[:, 1:], ((0, 0), (1, 0), (0, 0), (0, 0)))


@builds("decoder", "check_latent_reaches_every_output", mend="let z reach every pixel")
def row_of_zeros(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, after=cover_corner())


@layer
def without_first(self, z, training):
    return ops.concatenate([ops.zeros_like(z[:, :1]), z[:, 1:]], axis=1)


@builds("decoder", "check_every_latent_reaches_the_output", mend="use all of z")
def idle_latent(latent_shape, output_shape):
    return make_decoder(latent_shape, output_shape, before=without_first())


# How it is trained.
@builds("encoder", "check_training_step_runs", mend="use keras.layers and keras.ops")
def raises_in_training(image_shape, latent_shape):
    return make_encoder(image_shape, latent_shape, before=raise_in_training())


@layer
def raise_in_training(self, x, training):
    if training:
        raise RuntimeError("not trained")
    return x


@builds("encoder", "check_gradient_reaches_every_weight", mend="take away what stops gradients")
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


@builds("encoder", "check_seed_decides_weights", mend="by Keras' initializers")
def weights_from_numpy(image_shape, latent_shape):
    model = make_encoder(image_shape, latent_shape)
    model.set_weights([np.random.normal(size=weight.shape, scale=0.1) for weight in model.get_weights()])
    return model


def _fix_weights(model):
    model.set_weights([0.1 * np.cos(np.arange(weight.size)).reshape(weight.shape) for weight in model.get_weights()])
    return model


wrong(
    "check_seed_decides_weights", mend="no seed of their own",
    encoder=lambda image_shape, latent_shape: _fix_weights(make_encoder(image_shape, latent_shape)),
    decoder=lambda latent_shape, output_shape: _fix_weights(make_decoder(latent_shape, output_shape)),
)("fixed_weights")  # fmt: skip


@builds("encoder", "check_seed_decides_weights", mend="begin with the same")
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


# How it is scored.
@keras.saving.register_keras_serializable("wrong")
class NegativeDivergence(zoo.AutoEncoder):
    def elbo_terms(self, images, *, z=None, training=False):
        reconstruction, kl = super().elbo_terms(images, z=z, training=training)
        return reconstruction, -kl


@keras.saving.register_keras_serializable("wrong")
class Brighter(zoo.AutoEncoder):
    def reconstruct(self, images):
        return 3 * super().reconstruct(images)


wrong("check_scores", mend="a KL divergence of at least 0", autoencoder=NegativeDivergence)("negative_divergence")
wrong("check_images_are_in_range", mend="the likelihood's mean", autoencoder=Brighter)("too_bright")


# What it shares.
_shared = {}


@builds("decoder", "check_models_share_no_state", mend="inside the builders")
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
