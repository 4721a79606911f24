"""What ``create_model`` is told: names, options and image shapes."""

import inspect

import pytest
from keras import layers
from support.dense_parts import SHAPE, TINY, build_encoder

import zoo
from zoo.autoencoder.latent_space import LatentModel
from zoo.errors import ArchitectureError, UnknownNameError
from zoo.registry.recipe import RECIPE_KEYS

pytestmark = pytest.mark.usefixtures("clean_registry")


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
    assert [layer.filters for layer in model.decoder.layers if hasattr(layer, "filters")] == [8, 4, 2]
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
        "encoder first has latent shape (3,), decoder second has (2, 2, 1): expected equal shapes; set both with "
        "latent_dim= or latent_shape="
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


def build_at_a_rate(image_shape, latent_shape, learning_rate=0.1):
    return build_encoder(image_shape, latent_shape)


def test_a_parameter_of_a_builder_with_the_name_of_a_setting(add):
    message = r"build_encoder takes 'learning_rate', which is already an argument of zoo\.create_mod"
    with pytest.raises(ArchitectureError, match=message):
        add(encoder=build_at_a_rate)
    add(encoder=f"{__name__}:build_at_a_rate")  # Imported when a model is built.
    with pytest.raises(ArchitectureError, match=message):
        zoo.create_model("made", image_shape=SHAPE)


TAKEN_BY_CREATE_MODEL = ("likelihood", "conditional")


@pytest.mark.parametrize("key", [key for key in RECIPE_KEYS if key not in TAKEN_BY_CREATE_MODEL])
def test_what_is_said_to_take_a_setting_takes_it(key):
    with pytest.raises(TypeError, match=f"{key} is a recipe setting: pass it to zoo.train") as caught:
        zoo.create_model("small_cnn", image_shape=SHAPE, **{key: 1})
    takers = {"AutoEncoder": LatentModel.__init__, "compile": zoo.AutoEncoder.compile, "fit": zoo.AutoEncoder.fit}
    for name, function in takers.items():
        if str(caught.value).endswith((f"{name})", f"model's {name})")) and key not in (
            "learning_rate",
            "weight_decay",
        ):
            assert key in inspect.signature(function).parameters
