"""Networks as they are published, for some sizes of images or with layers of their own, keep to the rules."""

import numpy as np
import pytest
from click.testing import CliRunner
from support.paths import SUPPORT

import zoo
from zoo.cli import main
from zoo.registry import catalogue
from zoo.testing.rule import CheckFailure
from zoo.testing.runner import run_checks
from zoo.testing.subject import Subject

NETWORKS = SUPPORT / "public_networks"
STRIDED, PATCHES = (str(NETWORKS / f"{name}.py") for name in ("strided", "patches"))


@pytest.mark.slow
@pytest.mark.parametrize(("plugin", "shape", "skipped"), [
    (STRIDED, None, {"check_builds_for_an_odd_size"}),
    (STRIDED, (64, 64, 3), {"check_builds_for_an_odd_size", "check_builds_for_grey_images"}),
    (PATCHES, None, set()),
    (PATCHES, (20, 12, 2), {f"check_builds_for_{kind}" for kind in ("an_odd_size", "grey_images", "colour_images")}),
])  # fmt: skip
def test_all_rules(clean_registry, plugin, shape, skipped):
    name = plugin.rpartition("/")[2].removesuffix(".py")
    report = zoo.testing.check_architecture(name, plugin=plugin, image_shape=shape)
    # What starts with a tf.data stream is skipped on other backends.
    assert {result.name for result in report.select("skipped")} - {"check_tf_data_is_taken"} == skipped
    assert tuple(report.facts["image_shape"]) == (shape or ((32, 32, 1) if name == "strided" else (28, 28, 1)))


def test_other_images_are_refused_with_one_sentence(clean_registry):
    catalogue.load_plugin(STRIDED)
    message = (
        r"^architecture strided is for images of 32 x 32 \(any channels\) or 64 x 64 \(any channels\), not of 28 x"
    )
    for build in (
        lambda: zoo.create_model("strided", image_shape=(28, 28, 1)),
        lambda: zoo.create_model("strided/mnist"),
        lambda: zoo.create_model(encoder="small_cnn", decoder="strided", image_shape=(28, 28, 1)),
        lambda: zoo.models.strided.build_encoder((28, 28, 1)),
        lambda: zoo.models.strided.build_decoder((6,), (28, 28, 2)),
        lambda: zoo.testing.check_architecture("strided", image_shape=(28, 28, 1)),
    ):
        with pytest.raises(ValueError, match=message):
            build()
    assert zoo.list_models("strided/*") == ["strided/celeba", "strided/cifar10", "strided/cifar10_sample"]
    assert zoo.create_model("strided/cifar10").image_shape == (32, 32, 3)


def test_the_command_takes_a_shape(clean_registry):
    done = CliRunner().invoke(main, ["check", "--plugin", STRIDED, "--image-shape", "48x48x3"])
    assert done.exit_code == 2
    assert "architecture strided is for images of 32 x 32" in done.stderr
    done = CliRunner().invoke(main, ["check", "small_cnn", "--image-shape", "48x48"])
    assert (done.exit_code, "such as 64x64x3" in done.stderr) == (2, True)


@pytest.fixture
def subject(clean_registry, request):
    """The strided network with one slip."""
    catalogue.load_plugin(STRIDED)
    found = catalogue.architecture("strided")
    fields = {"summary": "A slip", "defaults": found.defaults, "image_shapes": found.image_shapes}
    builders = {"encoder": found.encoder, "decoder": found.decoder} | request.param(found)
    zoo.register(zoo.Architecture("slipped", **fields, **builders))
    return Subject("slipped")


def log_variance(found):
    def build(image_shape, latent_shape, channels, hidden):
        import keras

        encoder = found.encoder(image_shape, latent_shape, channels, hidden)
        mean, std = encoder.outputs
        return keras.Model(encoder.input, [mean, 2 * keras.ops.log(std)])

    return {"encoder": build}


def sigmoid(found):
    def build(latent_shape, output_shape, channels, hidden):
        import keras

        decoder = found.decoder(latent_shape, output_shape, channels, hidden)
        return keras.Model(decoder.input, keras.layers.Activation("sigmoid")(decoder.outputs[0]))

    return {"decoder": build}


@pytest.mark.parametrize(
    ("subject", "check"),
    [(log_variance, "check_std_is_positive"), (sigmoid, "check_decoder_is_linear")],
    indirect=["subject"],
)
def test_slips_of_networks_for_some_sizes_are_seen(subject, check):
    (item,) = [item for item in zoo.testing.list_checks() if item.name == check]
    with pytest.raises(CheckFailure):
        item.function(subject)
    assert subject.example.image_shape == (32, 32, 1)


def test_what_fails_is_built_once_and_reported_once(clean_registry):
    calls = []

    def build(image_shape, latent_shape):
        calls.append(image_shape)
        raise RuntimeError("too few rows")

    zoo.register(zoo.Architecture("broken", "x", build, build_decoder, {"latent_dim": 2}))
    report = run_checks(Subject("broken"), fast=True)
    assert [result.name for result in report.failed] == ["check_builds_for_grey_images"]
    assert "or declare the shapes it is for" in report.failed[0].message
    assert calls == [(28, 28, 1)]
    pointing = [result.message for result in report.select("skipped")]
    assert sum("see check_builds_for_grey_images" in message for message in pointing) > 15


def build_decoder(latent_shape, output_shape): ...


@pytest.mark.slow
def test_what_checks_share_is_timed_apart(clean_registry):
    report = run_checks(Subject("small_cnn"), fast=True)
    facts = report.facts
    assert facts["preparation_seconds"] == pytest.approx(facts["build_seconds"] + facts["train_seconds"])
    seconds = {result.name: result.seconds for result in report.results}
    # It compiles and trains, and is booked on no check: neither on the first that needs it.
    assert seconds["check_posterior_is_finite"] < facts["train_seconds"]
    assert report.seconds == pytest.approx(sum(seconds.values()) + facts["preparation_seconds"])


def test_images_of_other_shapes_are_real_ones_resized():
    from zoo.testing.shapes import real_images

    digits = zoo.load_dataset("mnist_sample", limit=4).train.images
    np.testing.assert_array_equal(real_images((28, 28, 1), 4), digits)
    np.testing.assert_array_equal(real_images((56, 56, 1), 4), digits.repeat(2, axis=1).repeat(2, axis=2))
    photos = zoo.load_dataset("cifar10_sample", limit=4).train.images
    np.testing.assert_array_equal(real_images((16, 16, 3), 4), photos[:, ::2, ::2])
    np.testing.assert_array_equal(real_images((32, 32, 2), 4), photos[..., :2])
    assert real_images((5, 7, 6), 4).shape == (4, 5, 7, 6)
