import random

import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.errors import ArchitectureError, UnknownNameError
from zoo.registry_file import builtin_path, read_registry_file

keras = pytest.importorskip("keras")

from keras import layers  # noqa: E402

from zoo.factory import parameter_count  # noqa: E402

pytestmark = pytest.mark.usefixtures("clean_registry")

ARCHITECTURES = ["small_cnn", "deep_cnn", "residual"]
TINY = {"filters": [4, 8], "latent_dim": 3}
SHAPE = (6, 5, 1)


def build_encoder(image_shape, latent_shape, units=2):
    inputs = keras.Input(image_shape)
    features = layers.Dense(units)(layers.Flatten()(inputs))
    return keras.Model(inputs, zoo.layers.GaussianHead(latent_shape)(features))


def build_decoder(latent_shape, output_shape, units=2, gain=1):
    inputs = keras.Input(latent_shape)
    values = layers.Dense(gain * units * int(np.prod(output_shape)))(layers.Flatten()(inputs))
    values = layers.Dense(int(np.prod(output_shape)))(values)
    return keras.Model(inputs, layers.Reshape(output_shape)(values))


@pytest.fixture
def add(architecture):
    """Register an architecture of dense layers with some fields replaced."""

    def register(name="made", **fields):
        valid = {"encoder": build_encoder, "decoder": build_decoder, "defaults": {"latent_dim": 3}}
        return zoo.register(architecture(name, **{**valid, **fields}))

    return register


def make_images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(size=shape).astype("float32")


# By name


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (31, 17, 2), (2, 1, 3), (1, 1, 1)])
def test_built_in_architectures_take_any_size(name, shape):
    model = zoo.create_model(name, image_shape=shape, seed=0, **TINY)
    assert isinstance(model, zoo.AutoEncoder)
    images = make_images(2, *shape)
    mean, std = model.encoder(images)
    assert mean.shape == std.shape == (2, 3)
    assert (keras.ops.convert_to_numpy(std) > 0).all()
    assert model.decoder(mean).shape == (2, *shape[:2], 2 * shape[2])
    reconstruction = keras.ops.convert_to_numpy(model(images))
    assert reconstruction.shape == images.shape
    assert reconstruction.min() >= 0
    assert reconstruction.max() <= 1


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_built_in_architectures_can_be_trained(name):
    model = zoo.create_model(name, image_shape=(9, 7, 1), seed=0, **TINY)
    before = [weight.numpy().copy() for weight in model.encoder.trainable_weights]
    logs = model.train_step(make_images(4, 9, 7, 1))
    assert np.isfinite(float(logs["loss"]))
    after = [weight.numpy() for weight in model.encoder.trainable_weights]
    assert any((old != new).any() for old, new in zip(before, after, strict=True))


def test_a_presets_model_has_its_recipe():
    model = zoo.create_model("small_cnn/mnist-binary", filters=[4])
    assert model.image_shape == (28, 28, 1)
    assert (model.likelihood.identifier, model.binarization) == ("bernoulli", "dynamic")
    assert model.latent_shape == (16,)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)


def test_settings_of_a_preset_reach_the_compiled_model(monkeypatch, tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_text("""\
version: 1
plugins: [zoo.data, zoo.plugins.small_cnn]
presets:
  small_cnn/mnist:
    config: {filters: [4], latent_dim: 5}
    recipe: {optimizer: sgd, learning_rate: 0.25, kl_weight: {warm_up_steps: 10, end: 0.5}, free_bits: 0.125}
""")
    monkeypatch.setattr(registry, "builtin_path", lambda: path)
    zoo.refresh()
    model = zoo.create_model("small_cnn/mnist")
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert float(model.optimizer.learning_rate) == 0.25
    assert (model.latent_shape, len(model.encoder.layers)) == ((5,), 4)
    settings = model.get_compile_config()
    assert settings["free_bits"] == 0.125
    assert "'warm_up_steps': 10" in str(settings["kl_weight"])
    # What the caller gives goes before what the preset says, in either way of saying it.
    assert zoo.create_model("small_cnn/mnist", latent_dim=2).latent_shape == (2,)
    assert zoo.create_model("small_cnn/mnist", latent_shape=(2, 3)).latent_shape == (2, 3)


def test_another_likelihood_asks_for_its_own_channels():
    model = zoo.create_model("small_cnn", image_shape=(6, 6, 3), likelihood="bernoulli", **TINY)
    assert (model.likelihood.identifier, model.decoder.output_shape) == ("bernoulli", (None, 6, 6, 3))
    model = zoo.create_model("small_cnn/cifar10", likelihood="mse", **TINY)
    assert model.decoder.output_shape == (None, 32, 32, 3)


def test_the_model_tells_where_it_is_from(install):
    install("good-dist", {"good_plugin": "good"}, version="2.5")
    model = zoo.create_model("dense/blobs")
    origin = {"architecture": "dense", "plugin": "good_plugin", "distribution": "good-dist", "version": "2.5"}
    assert model.provenance == {"preset": "dense/blobs", "encoder": origin, "decoder": origin}
    assert parameter_count(model) == (30 * 5 + 5) + (5 * 6 + 6) + (3 * 5 + 5) + (5 * 30 + 30)


def test_parameter_count_includes_what_is_not_trained():
    model = zoo.create_model("deep_cnn", image_shape=(4, 4, 1), **TINY)
    assert parameter_count(model) == model.encoder.count_params() + model.decoder.count_params()
    assert parameter_count(model) > sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


REFERENCES = [
    name
    for name, entry in read_registry_file(builtin_path()).presets.items()
    if "parameters" in entry.get("reference", {})
]


@pytest.mark.parametrize("name", REFERENCES)
def test_recorded_parameter_counts_are_true(name):
    assert parameter_count(zoo.create_model(name)) == zoo.get_model_info(name).reference["parameters"]


# Seeds


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_seed_decides_the_weights(name):
    first, same, other = (zoo.create_model(name, image_shape=SHAPE, seed=seed, **TINY) for seed in (1, 1, 2))
    assert (first.seed, other.seed) == (1, 2)
    for a, b in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(first.encoder.get_weights(), other.encoder.get_weights(), strict=True))
    assert any((a != b).any() for a, b in zip(first.decoder.get_weights(), other.decoder.get_weights(), strict=True))


def test_layers_of_one_shape_begin_with_different_weights(add):
    add()
    kernels = zoo.create_model("made", image_shape=(2, 1, 1), seed=1).get_weights()
    equal = [
        (i, j)
        for i, a in enumerate(kernels)
        for j, b in enumerate(kernels[:i])
        if a.shape == b.shape and a.any() and (a == b).all()
    ]
    assert equal == []


def test_the_seed_decides_the_draws(add):
    add()
    images = make_images(2, *SHAPE)
    losses = [
        float(zoo.create_model("made", image_shape=SHAPE, seed=seed).train_step(images)["loss"]) for seed in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_a_seed_leaves_pythons_own_draws_alone(add):
    add()
    random.seed(5)
    expected = random.random()
    random.seed(5)
    zoo.create_model("made", image_shape=SHAPE, seed=1)
    assert random.random() == expected


def test_without_a_seed_models_differ(add):
    add()
    first, second = (zoo.create_model("made", image_shape=SHAPE).encoder.get_weights()[0] for _ in range(2))
    assert (first != second).any()


# Latent shapes


@pytest.mark.parametrize(
    ("given", "latent_shape"),
    [
        ({}, (3,)),
        ({"latent_dim": 4}, (4,)),
        ({"latent_dim": np.int64(4)}, (4,)),
        ({"latent_shape": 4}, (4,)),
        ({"latent_shape": (2, 3)}, (2, 3)),
        ({"latent_shape": [2, 3, 4]}, (2, 3, 4)),
        ({"latent_shape": lambda shape: (shape[0] // 2, shape[1] // 2, 2)}, (3, 2, 2)),
        ({"latent_shape": lambda shape: shape[0]}, (6,)),
    ],
)
def test_latent_shapes(add, given, latent_shape):
    add()
    add("other", defaults=given or {"latent_shape": 3})
    for model in (
        zoo.create_model("made", image_shape=SHAPE, **given),
        zoo.create_model("other", image_shape=SHAPE),
    ):
        assert model.latent_shape == latent_shape
        assert model.encoder.output_shape[0] == (None, *latent_shape)
        assert model(make_images(2, *SHAPE)).shape == (2, *SHAPE)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_built_in_architectures_take_latent_maps(name):
    model = zoo.create_model(name, image_shape=(8, 8, 1), filters=[4, 8], latent_shape=(2, 2, 3))
    assert model(make_images(1, 8, 8, 1)).shape == (1, 8, 8, 1)


@pytest.mark.parametrize("latent", [0, -1, 1.5, "16", (), (3, 0), True])
def test_latent_shapes_that_are_refused(add, latent):
    add()
    with pytest.raises(ValueError, match=r"^latent_shape .*: expected positive ints, such as \(16,\)"):
        zoo.create_model("made", image_shape=SHAPE, latent_dim=latent)


def test_two_latents(add):
    made = add()
    message = "latent_dim and latent_shape are given: expected one of them"
    with pytest.raises(TypeError, match=message):
        zoo.create_model("made", image_shape=SHAPE, latent_dim=3, latent_shape=(3,))
    with pytest.raises(TypeError, match=message):
        made.build_encoder(SHAPE, (3,), latent_dim=3)
    with pytest.raises(TypeError, match=message):
        made.build_decoder((3,), SHAPE, latent_dim=3)


def test_no_latent(add):
    made = add(defaults={})
    for build in (lambda: zoo.create_model("made", image_shape=SHAPE), lambda: made.build_encoder(SHAPE)):
        with pytest.raises(TypeError, match=r"made has no default latent size: give latent_dim= \(an int\)"):
            build()
    assert zoo.create_model("made", image_shape=SHAPE, latent_dim=1).latent_shape == (1,)


@pytest.mark.parametrize(
    ("latent", "message"),
    [
        (
            lambda shape: (shape[0] // 8, 2),
            r"made of plugin \S+: default latent_shape: latent_shape \(0, 2\): ",
        ),
        (lambda shape: shape[5], r"made of plugin \S+: default latent_shape: tuple index out of range"),
    ],
)
def test_a_default_that_fails_names_the_architecture(add, latent, message):
    add(defaults={"latent_shape": latent})
    with pytest.raises(ArchitectureError, match=f"^architecture {message}"):
        zoo.create_model("made", image_shape=SHAPE)


# Pairs


def test_encoder_and_decoder_of_two_architectures():
    model = zoo.create_model(
        encoder="residual",
        decoder="small_cnn",
        image_shape=(6, 5, 1),
        filters=[4, 8],
        blocks=2,
        encoder_config={"filters": [6]},
    )
    assert (model.encoder.name, model.decoder.name) == ("residual_encoder", "small_cnn_decoder")
    strided = [layer.filters for layer in model.encoder.layers if getattr(layer, "strides", None) == (2, 2)]
    assert strided == [6]
    assert sum(isinstance(layer, layers.Add) for layer in model.encoder.layers) == 2
    assert [layer.filters for layer in model.decoder.layers if isinstance(layer, layers.Conv2D)] == [8, 4, 2]
    assert model.provenance["preset"] is None
    assert [model.provenance[part]["architecture"] for part in ("encoder", "decoder")] == ["residual", "small_cnn"]


def test_options_for_one_part_alone(add):
    add()
    model = zoo.create_model(
        "made", image_shape=SHAPE, units=3, encoder_config={"units": 4}, decoder_config={"units": 5, "gain": 2}
    )
    assert model.encoder.layers[2].units == 4
    assert model.decoder.layers[2].units == 2 * 5 * 60
    assert zoo.create_model("made", image_shape=SHAPE, units=3).encoder.layers[2].units == 3


def test_latent_shapes_that_disagree(add):
    add("first")
    add("second", defaults={"latent_shape": (2, 2, 1)})
    with pytest.raises(ArchitectureError) as caught:
        zoo.create_model(encoder="first", decoder="second", image_shape=SHAPE)
    assert str(caught.value) == (
        "encoder first has latent (3,), decoder second has (2, 2, 1): expected equal ones; give both with latent_dim= "
        "or latent_shape="
    )
    model = zoo.create_model(encoder="first", decoder="second", image_shape=SHAPE, latent_dim=2)
    assert model.latent_shape == (2,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "create_model takes a name, or encoder= and decoder="),
        ({"name": "residual", "encoder": "residual"}, "create_model takes a name, or encoder= and decoder="),
        ({"name": "residual", "decoder": "residual"}, "create_model takes a name, or encoder= and decoder="),
        ({"encoder": "residual"}, "create_model takes encoder= and decoder= together"),
        ({"decoder": "residual"}, "create_model takes encoder= and decoder= together"),
        ({"name": 5}, "architecture name is 5: expected text"),
        ({"name": ["residual"]}, r"architecture name is \['residual'\]: expected text"),
    ],
)
def test_which_names_go_together(arguments, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        zoo.create_model(**{"image_shape": SHAPE, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "residul"}, "no architecture is called 'residul': did you mean 'residual'?"),
        ({"name": "residual/mnits"}, "no preset is called 'residual/mnits': did you mean 'residual/mnist'"),
        ({"encoder": "residul", "decoder": "residual"}, "no architecture is called 'residul': did you mean 'residual'"),
        ({"encoder": "residual", "decoder": "smal_cnn"}, "no architecture is called 'smal_cnn': did you mean 'small_"),
        ({"name": ""}, "no architecture is called ''"),
        ({"name": "residual", "likelihood": "bernouli"}, "no likelihood is called 'bernouli': did you mean 'bernoulli"),
    ],
)
def test_unknown_names(arguments, message):
    with pytest.raises(UnknownNameError) as caught:
        zoo.create_model(**{"image_shape": SHAPE, **arguments})
    assert str(caught.value).startswith(message)


# Options


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "residual", "filter": [4]},
            "unknown option 'filter' for residual: expected one of latent_dim, latent_shape, blocks, filters",
        ),
        (
            {"name": "small_cnn/mnist", "image_shape": None, "blocks": 1},
            "unknown option 'blocks' for small_cnn: expected one of latent_dim, latent_shape, filters",
        ),
        (
            {"encoder": "residual", "decoder": "small_cnn", "depth": 1},
            "unknown option 'depth' for residual and small_cnn: expected one of latent_dim, latent_shape, blocks, filt",
        ),
        (
            {"encoder": "residual", "decoder": "small_cnn", "decoder_config": {"blocks": 1}},
            "unknown option 'blocks' for the decoder of small_cnn: expected one of filters",
        ),
        (
            {"name": "residual", "encoder_config": {"latent_dim": 1}},
            "unknown option 'latent_dim' for the encoder of residual: expected one of blocks, filters",
        ),
        (
            {"name": "residual", "output_shape": (1, 2, 3)},
            "unknown option 'output_shape' for residual: expected one of latent_dim, latent_shape, blocks, filters",
        ),
    ],
)
def test_unknown_options(arguments, message):
    with pytest.raises(TypeError) as caught:
        zoo.create_model(**{"image_shape": SHAPE, **arguments})
    assert str(caught.value).startswith(message)


def test_an_option_of_the_other_part_is_no_option(add):
    add()
    message = "unknown option 'gain' for the encoder of made: expected one of units"
    with pytest.raises(TypeError, match=f"^{message}"):
        zoo.create_model("made", image_shape=SHAPE, encoder_config={"gain": 2})


def test_a_builder_that_takes_any_option_gets_the_defaults(add):
    received = {}

    def take_all(image_shape, latent_shape, **config):
        received.update(config)
        return build_encoder(image_shape, latent_shape)

    add(encoder=take_all, defaults={"latent_dim": 3, "units": 4, "depth": 5})
    zoo.create_model("made", image_shape=SHAPE, depth=6)
    assert received == {"units": 4, "depth": 6}
    with pytest.raises(TypeError, match=r"unknown option 'dept' for made: expected one of .* depth, gain, units"):
        zoo.create_model("made", image_shape=SHAPE, dept=6)


def test_what_a_builder_does_to_its_options_stays_there(add):
    def consume(image_shape, latent_shape, widths):
        for _ in range(len(widths)):
            widths.pop()
        return build_encoder(image_shape, latent_shape)

    add(encoder=consume, defaults={"latent_dim": 3, "widths": [1, 2]})
    given = [3, 4]
    zoo.create_model("made", image_shape=SHAPE)
    zoo.create_model("made", image_shape=SHAPE, widths=given)
    assert zoo.get_model_info("made").config["widths"] == [1, 2]
    assert given == [3, 4]


# Image shapes


def test_no_image_shape():
    with pytest.raises(TypeError) as caught:
        zoo.create_model("residual")
    assert str(caught.value) == (
        "create_model('residual') needs image_shape=(height, width, channels), or a preset such as 'residual/mnist'"
    )


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 0), (28, 28, 1, 1), 28, "28x28", (28.0, 28, 1), (None, 28, 1)])
def test_image_shapes_that_are_refused(shape):
    for name in ("residual", "residual/mnist"):
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            zoo.create_model(name, image_shape=shape)
        assert str(caught.value) == (
            f"image_shape {shape!r}: expected (height, width, channels), such as (28, 28, 1)"
        )  # fmt: skip


def test_a_presets_image_shape_may_be_repeated_but_not_changed():
    assert zoo.create_model("small_cnn/mnist", image_shape=[28, 28, 1], **TINY).image_shape == (28, 28, 1)
    with pytest.raises(ValueError, match=r"^image_shape is") as caught:
        zoo.create_model("small_cnn/mnist", image_shape=(32, 32, 1))
    assert str(caught.value) == (
        "image_shape is (32, 32, 1): preset small_cnn/mnist has (28, 28, 1); for other images use "
        "create_model('small_cnn', image_shape=...)"
    )


# Builders that are wrong


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


def raise_in_encoder(image_shape, latent_shape):
    raise ZeroDivisionError("no filters")


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


CALL = r"build_encoder\(\(6, 5, 1\), \(3,\)\)"


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (encode_wrong_size, rf"{CALL} gives \[\(7,\), \(7,\)\]: expected \(mean, std\) of shapes \[\(3,\), \(3,\)\]"),
        (encode_one_output, rf"{CALL} gives \(None, 3\): expected \(mean, std\) of shapes \[\(3,\), \(3,\)\]"),
        (encode_three_outputs, rf"{CALL} gives \[\(3,\), \(3,\), \(3,\)\]: expected \(mean, std\)"),
        (encode_names, rf"{CALL} gives {{'mean': .*}}: expected \(mean, std\)"),
        (encode_other_images, rf"{CALL} takes \(4, 4, 1\): expected \(6, 5, 1\)"),
        (encode_flat_images, rf"{CALL} takes \(30,\): expected \(6, 5, 1\)"),
        (encode_two_inputs, rf"{CALL} takes .*: expected \(6, 5, 1\)"),
        (give(None), rf"{CALL} gave None: expected a functional or Sequential keras.Model"),
        (give("model"), rf"{CALL} gave 'model': expected a functional or Sequential keras.Model"),
        (lambda *shapes: Subclassed(), rf"{CALL} gave <Subclassed .*>: expected a functional or Sequential"),
        (lambda *shapes: layers.Dense(3), rf"{CALL} gave <Dense .*>: expected a functional or Sequential"),
        (raise_in_encoder, rf"{CALL} raised ZeroDivisionError: no filters"),
        (encode_nothing_with, rf"{CALL} raised TypeError: .* takes 1 positional argument but 2 were given"),
        ("nowhere_at_all:build", "encoder builder 'nowhere_at_all:build' cannot be imported: ModuleNotFoundError"),
        ("zoo.errors:build", "encoder builder 'zoo.errors:build' cannot be imported: AttributeError: .*'build'"),
        ("zoo:__version__", "encoder builder 'zoo:__version__' cannot be imported: TypeError: .* expected a function"),
    ],
)
def test_encoders_that_are_wrong(add, builder, message):
    add(encoder=builder)
    with pytest.raises(ArchitectureError, match=rf"^architecture made of plugin test_factory\.made: {message}"):
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
        (decode_image_channels, rf"{CALL_DECODER} gives \(6, 5, 1\): expected one tensor of shape \(6, 5, 2\)"),
        (decode_without_channels, rf"{CALL_DECODER} gives \(6, 5\): expected one tensor of shape \(6, 5, 2\)"),
        (decode_two_outputs, rf"{CALL_DECODER} gives \[.*\]: expected one tensor of shape \(6, 5, 2\)"),
        (decode_other_latents, rf"{CALL_DECODER} takes \(4,\): expected \(3,\)"),
        (lambda *shapes: None, rf"{CALL_DECODER} gave None: expected a functional or Sequential keras.Model"),
        ("nowhere_at_all:build", "decoder builder 'nowhere_at_all:build' cannot be imported: ModuleNotFoundError"),
    ],
)
def test_decoders_that_are_wrong(add, builder, message):
    add(decoder=builder)
    with pytest.raises(ArchitectureError, match=rf"^architecture made of plugin test_factory\.made: {message}"):
        zoo.create_model("made", image_shape=SHAPE)


def test_the_cause_is_kept(add):
    add(encoder=raise_in_encoder)
    with pytest.raises(ArchitectureError) as caught:
        zoo.create_model("made", image_shape=SHAPE)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_sequential_decoder_is_taken(add):
    def build(latent_shape, output_shape):
        return keras.Sequential(
            [keras.Input(latent_shape), layers.Dense(int(np.prod(output_shape))), layers.Reshape(output_shape)]
        )

    add(decoder=build)
    assert zoo.create_model("made", image_shape=SHAPE)(make_images(1, *SHAPE)).shape == (1, *SHAPE)


# A class of its own


@keras.saving.register_keras_serializable(package="test_factory")
class OwnAutoEncoder(zoo.AutoEncoder):
    pass


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
    with pytest.raises(ArchitectureError, match=rf"^architecture made of plugin test_factory\.made: {message}"):
        zoo.create_model("made", image_shape=SHAPE)


# The two halves by themselves


def test_build_encoder_and_decoder():
    small_cnn = zoo.models.small_cnn
    encoder = small_cnn.build_encoder((28, 28, 1), latent_shape=(16,), filters=[4, 8])
    decoder = small_cnn.build_decoder((16,), (28, 28, 1), filters=[4, 8])
    assert encoder.input_shape == (None, 28, 28, 1)
    assert [tuple(shape) for shape in encoder.output_shape] == [(None, 16), (None, 16)]
    assert decoder.input_shape == (None, 16)
    assert decoder.output_shape == (None, 28, 28, 1)
    model = zoo.AutoEncoder(encoder, decoder)
    model.compile(optimizer="adam", loss="bernoulli")
    assert np.isfinite(float(model.train_step(make_images(2, 28, 28, 1))["loss"]))


def test_the_halves_have_the_architectures_defaults():
    small_cnn = zoo.models.small_cnn
    filters = [layer.filters for layer in small_cnn.build_encoder((8, 8, 1)).layers if hasattr(layer, "filters")]
    assert filters == zoo.get_model_info("small_cnn").config["filters"]
    assert small_cnn.build_encoder((8, 8, 1)).output_shape[0] == (None, 16)
    assert small_cnn.build_encoder((8, 8, 1), 4, filters=[4]).output_shape[0] == (None, 4)
    assert small_cnn.build_encoder((8, 8, 1), latent_dim=4, filters=[4]).output_shape[0] == (None, 4)
    assert small_cnn.build_decoder(4, (8, 8, 1), filters=[4]).input_shape == (None, 4)


def test_the_halves_are_checked(add):
    made = add(encoder=encode_wrong_size, decoder=decode_image_channels)
    with pytest.raises(ArchitectureError, match=r"^architecture made: build_encoder\(.* gives \[\(7,\), \(7,\)\]"):
        made.build_encoder(SHAPE)
    with pytest.raises(ArchitectureError, match=r"^architecture made of plugin \S+: build_decoder\(.* gives \(6, 5, 1"):
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


def test_a_registered_class_is_built():
    @zoo.register("my_ae", defaults={"latent_dim": 2, "units": 4})
    class MyAutoEncoder:
        def build_encoder(image_shape, latent_shape, units):  # noqa: N805
            return build_encoder(image_shape, latent_shape, units)

        @staticmethod
        def build_decoder(latent_shape, output_shape, units):
            return build_decoder(latent_shape, output_shape, units)

    model = zoo.create_model("my_ae/mnist", seed=0)
    assert (model.latent_shape, model.encoder.layers[2].units) == ((2,), 4)
    assert model.provenance["encoder"]["distribution"] is None
