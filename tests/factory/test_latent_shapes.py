"""Which latents an architecture may have."""

import numpy as np
import pytest
from support.dense_parts import SHAPE, make_images

import zoo
from zoo.errors import ArchitectureError

pytestmark = pytest.mark.usefixtures("clean_registry")
ARCHITECTURES = ["small_cnn", "deep_cnn", "residual"]


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
    message = "latent_dim and latent_shape are both given: expected one of them"
    with pytest.raises(TypeError, match=message):
        zoo.create_model("made", image_shape=SHAPE, latent_dim=3, latent_shape=(3,))
    with pytest.raises(TypeError, match=message):
        made.build_encoder(SHAPE, (3,), latent_dim=3)
    with pytest.raises(TypeError, match=message):
        made.build_decoder((3,), SHAPE, latent_dim=3)


def test_no_latent(add):
    made = add(defaults={})
    for build in (lambda: zoo.create_model("made", image_shape=SHAPE), lambda: made.build_encoder(SHAPE)):
        with pytest.raises(TypeError, match=r"made has no default latent size: pass latent_dim= \(an int\)"):
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
