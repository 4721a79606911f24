"""Builders that are wrong, and a class that an architecture brings."""

import keras
import pytest
from keras import layers
from support.dense_parts import SHAPE, build_decoder, build_encoder, make_images

import zoo
from zoo.errors import ArchitectureError

pytestmark = pytest.mark.usefixtures("clean_registry")


def give(value):
    return lambda image_shape, latent_shape: value


def encode_wrong_size(image_shape, latent_shape):
    return build_encoder(image_shape, (7,))


def encode_one_output(image_shape, latent_shape):
    inputs = keras.Input(image_shape)
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(inputs)))


def encode_three_outputs(image_shape, latent_shape):
    inputs = keras.Input(image_shape)
    return keras.Model(inputs, [layers.Dense(3)(layers.Flatten()(inputs)) for _ in range(3)])


def encode_names(image_shape, latent_shape):
    inputs = keras.Input(image_shape)
    mean, std = zoo.layers.GaussianHead(latent_shape)(inputs)
    return keras.Model(inputs, {"mean": mean, "std": std})


def encode_other_images(image_shape, latent_shape):
    return build_encoder((4, 4, 1), latent_shape)


def encode_flat_images(image_shape, latent_shape):
    return build_encoder((30,), latent_shape)


def encode_two_inputs(image_shape, latent_shape):
    inputs = [keras.Input(image_shape), keras.Input(image_shape)]
    return keras.Model(inputs, zoo.layers.GaussianHead(latent_shape)(layers.Add()(inputs)))


def encode_nothing_with(image_shape):
    raise AssertionError("called without a latent_shape")


def encode_drawn(image_shape, latent_shape):
    encoder = build_encoder(image_shape, latent_shape)
    mean, std = encoder.outputs
    return keras.Model(encoder.inputs, mean + std * keras.random.normal(mean.shape))


def encode_drawn_names(image_shape, latent_shape):
    encoder = build_encoder(image_shape, latent_shape)
    mean, std = encoder.outputs
    return keras.Model(encoder.inputs, {"mean": mean, "std": std, "z": mean})


def raise_in_encoder(image_shape, latent_shape):
    raise ZeroDivisionError("no filters")


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


CALL = r"build_encoder\(\(6, 5, 1\), \(3,\)\)"


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (encode_wrong_size, rf"{CALL} outputs \[\(7,\), \(7,\)\]: expected \(mean, std\) of shapes \[\(3,\), \(3,\)\]"),
        (encode_one_output, rf"{CALL} outputs \(3,\): expected \(mean, std\) of shapes \[\(3,\), \(3,\)\]"),
        (encode_three_outputs, rf"{CALL} outputs \[\(3,\), \(3,\), \(3,\)\]: expected \(mean, std\)"),
        (encode_names, rf"{CALL} outputs {{'mean': .*}}: expected \(mean, std\)"),
        (encode_other_images, rf"{CALL} takes \(4, 4, 1\): expected \(6, 5, 1\)"),
        (encode_flat_images, rf"{CALL} takes \(30,\): expected \(6, 5, 1\)"),
        (encode_two_inputs, rf"{CALL} takes .*: expected \(6, 5, 1\)"),
        (encode_names, r".*: end the builder with return keras.Model\(images, \[mean, std\]\)"),
        (encode_three_outputs, r".*: end the builder with .*: z is drawn by the zoo$"),
        (encode_one_output, r".*: end it with zoo.layers.GaussianHead.* posterior = \"point\"$"),
        (
            give(None),
            rf"{CALL} returned None: expected a functional or Sequential keras.Model: end the builder with return",
        ),
        (give("model"), rf"{CALL} returned 'model': expected a functional or Sequential keras.Model"),
        (
            lambda *shapes: Subclassed(),
            rf"{CALL} returned a subclassed model, Subclassed: .* wrap it: images = keras.Input",
        ),
        (lambda *shapes: layers.Dense(3), rf"{CALL} returned a layer, Dense: expected a functional or Sequential"),
        (raise_in_encoder, rf"{CALL} raised ZeroDivisionError: no filters"),
        (
            f"{__name__}:encode_nothing_with",  # A function itself is refused when it is registered.
            "build_encoder cannot be called: it is called with two positional shapes but takes image_shape: "
            r"define it as build_encoder\(image_shape, latent_shape, ...\)",
        ),
        (encode_drawn, rf"{CALL} raised .*: return its mean and standard deviation, and let the zoo draw z$"),
        (encode_drawn_names, r".*: end the builder with .*: z is drawn by the zoo$"),
        (
            encode_one_output,
            r".* if this is z drawn from mean and standard deviation, return those two, and the zoo draws",
        ),
        (lambda shape, latent: shape.none, r".*AttributeError.* but takes shape, latent: define it as build_encoder\("),
        ("nowhere_at_all:build", "encoder builder 'nowhere_at_all:build' cannot be imported: ModuleNotFoundError"),
        ("zoo.errors:build", "encoder builder 'zoo.errors:build' cannot be imported: AttributeError: .*'build'"),
        ("zoo:__version__", "encoder builder 'zoo:__version__' cannot be imported: TypeError: .* expected a function"),
    ],
)
def test_encoders_that_are_wrong(add, builder, message):
    add(encoder=builder)
    with pytest.raises(ArchitectureError, match=rf"^architecture made of plugin tests\.conftest\.made: {message}"):
        zoo.create_model("made", image_shape=SHAPE)


def decode_without_channels(latent_shape, output_shape):
    return build_decoder(latent_shape, output_shape[:2])


def decode_image_channels(latent_shape, output_shape):
    return build_decoder(latent_shape, (*output_shape[:2], 1))


def decode_two_outputs(latent_shape, output_shape):
    inputs = keras.Input(latent_shape)
    return keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(2)(inputs)])


def decode_other_latents(latent_shape, output_shape):
    return build_decoder((4,), output_shape)


CALL_DECODER = r"build_decoder\(\(3,\), \(6, 5, 2\)\)"


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (decode_image_channels, rf"{CALL_DECODER} outputs \(6, 5, 1\): expected one tensor of shape \(6, 5, 2\)"),
        (decode_without_channels, rf"{CALL_DECODER} outputs \(6, 5\): expected one tensor of shape \(6, 5, 2\)"),
        (decode_two_outputs, rf"{CALL_DECODER} outputs \[.*\]: expected one tensor of shape \(6, 5, 2\)"),
        (decode_other_latents, rf"{CALL_DECODER} takes \(4,\): expected \(3,\)"),
        (lambda *shapes: None, rf"{CALL_DECODER} returned None: expected a functional or Sequential keras.Model"),
        ("nowhere_at_all:build", "decoder builder 'nowhere_at_all:build' cannot be imported: ModuleNotFoundError"),
    ],
)
def test_decoders_that_are_wrong(add, builder, message):
    add(decoder=builder)
    with pytest.raises(ArchitectureError, match=rf"^architecture made of plugin tests\.conftest\.made: {message}"):
        zoo.create_model("made", image_shape=SHAPE)


def test_the_cause_is_kept(add):
    add(encoder=raise_in_encoder)
    with pytest.raises(ArchitectureError) as caught:
        zoo.create_model("made", image_shape=SHAPE)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@keras.saving.register_keras_serializable(package="test_wrong_builders")
class OwnAutoEncoder(zoo.AutoEncoder):
    pass


@keras.saving.register_keras_serializable(package="test_wrong_builders")
class PointAutoEncoder(zoo.AutoEncoder):
    posterior = "point"

    def elbo_terms(self, images, *, z=None, training=False):
        zeros = 0 * keras.ops.sum(self.prepare(images), axis=(1, 2, 3))
        return zeros + 1, zeros + 2


def test_a_point_posterior_takes_one_tensor(add):
    made = add(encoder=encode_one_output, autoencoder=PointAutoEncoder)
    images = make_images(2, *SHAPE)
    model = zoo.create_model("made", image_shape=SHAPE)
    mean, std = model.encode(images)
    assert mean.shape == (2, 3)
    assert not std.any()
    assert model.reconstruct(images).shape == model(images).shape == images.shape
    scores = zoo.evaluate(model, images, importance_samples=2)
    assert (scores["negative_elbo"], scores["kl"], scores["iwae"], scores["kl_per_latent"]) == (3, 2, None, None)
    with pytest.raises(
        TypeError, match="PointAutoEncoder has a point posterior: it must define elbo_terms and latent_terms"
    ):
        model.latent_terms(images)
    wrong = add("wrong", autoencoder=PointAutoEncoder)
    message = r"outputs \[\(3,\), \(3,\)\]: expected one tensor of shape \(3,\), z, since PointAutoEncoder has a point"
    for build in (wrong.build_encoder, lambda shape: zoo.create_model("wrong", image_shape=shape)):
        with pytest.raises(ArchitectureError, match=message):
            build(SHAPE)
    assert made.build_encoder(SHAPE).output_shape == (None, 3)


def test_kinds_of_posterior(add):
    with pytest.raises(TypeError, match=r"^Odd\.posterior is 'flow': expected one of gaussian, point"):
        type("Odd", (zoo.AutoEncoder,), {"posterior": "flow"})
    add(encoder=encode_one_output, autoencoder=type("Bare", (zoo.AutoEncoder,), {"posterior": "point"}))
    with pytest.raises(ValueError, match=r"^Bare has a point posterior: it must define elbo_terms"):
        zoo.create_model("made", image_shape=SHAPE)


@pytest.mark.parametrize("autoencoder", [OwnAutoEncoder, f"{__name__}:OwnAutoEncoder"])
def test_an_architecture_may_bring_its_own_class(add, autoencoder):
    add(autoencoder=autoencoder)
    model = zoo.create_model("made", image_shape=SHAPE)
    assert type(model) is OwnAutoEncoder
    assert type(zoo.create_model(encoder="made", decoder="made", image_shape=SHAPE)) is OwnAutoEncoder


@pytest.mark.parametrize(
    ("autoencoder", "message"),
    [
        (dict, "autoencoder is <class 'dict'>: expected a subclass of zoo.AutoEncoder"),
        (make_images, "autoencoder is <function make_images at .*>: expected a subclass of zoo.AutoEncoder"),
        ("nowhere_at_all:Own", "autoencoder 'nowhere_at_all:Own' cannot be imported: ModuleNotFoundError"),
    ],
)
def test_classes_that_are_wrong(add, autoencoder, message):
    add(autoencoder=autoencoder)
    with pytest.raises(ArchitectureError, match=rf"^architecture made of plugin tests\.conftest\.made: {message}"):
        zoo.create_model("made", image_shape=SHAPE)


def test_the_halves_are_checked(add):
    made = add(encoder=encode_wrong_size, decoder=decode_image_channels)
    with pytest.raises(ArchitectureError, match=r"^architecture made: build_encoder\(.* outputs \[\(7,\), \(7,\)\]"):
        made.build_encoder(SHAPE)
    with pytest.raises(
        ArchitectureError, match=r"^architecture made of plugin \S+: build_decoder\(.* outputs \(6, 5, 1"
    ):
        zoo.models.made.build_decoder(3, (6, 5, 2))
    with pytest.raises(TypeError, match=r"unknown option 'depth' for small_cnn: expected one of .*filters"):
        zoo.models.small_cnn.build_encoder((8, 8, 1), depth=3)
    with pytest.raises(TypeError, match=r"unknown option 'depth' for small_cnn: expected one of .*filters"):
        zoo.models.small_cnn.build_decoder(3, (8, 8, 1), depth=3)
    with pytest.raises(ValueError, match=r"^image_shape \(8, 8\): expected \(height, width, channels\)"):
        zoo.models.small_cnn.build_encoder((8, 8))
    with pytest.raises(ValueError, match=r"^output_shape \(8, 8\): expected \(height, width, channels\)"):
        zoo.models.small_cnn.build_decoder(3, (8, 8))
    with pytest.raises(ValueError, match=r"^latent_shape \(0,\): expected positive ints"):
        zoo.models.small_cnn.build_decoder(0, (8, 8, 1))
