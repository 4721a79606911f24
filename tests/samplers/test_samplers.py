"""Samplers: what they draw from, and that they come back from files as they were."""

import keras
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from support.small_models import BYTES, SHAPE, make_model

import zoo
from zoo.errors import UnknownNameError
from zoo.samplers import SAMPLERS

TRAINED = ("two_stage", "masked_autoregressive_flow")
NAMES = ("prior", "gaussian_mixture:2", *TRAINED)


@pytest.fixture(scope="module")
def model():
    return make_model("discretized_logistic", channels=2)


def fit(model, name, images=BYTES, **settings):
    settings = {"epochs": 1, **settings} if name in TRAINED else settings
    return zoo.samplers.fit(model, images, name, **settings)


def test_these_are_all():
    assert {name.partition(":")[0] for name in NAMES} | {"code_prior"} == set(SAMPLERS)


@pytest.mark.parametrize("name", NAMES)
def test_images_by_seed_and_a_file_that_holds_all(model, name, tmp_path):
    sampler = fit(model, name)
    images = sampler.sample(5, seed=3)
    assert (images.shape, images.dtype) == ((5, *SHAPE), np.float32)
    assert images.min() >= 0
    assert images.max() <= 1
    latents = sampler.sample_latents(5, seed=3)
    assert (latents.shape, latents.dtype) == ((5, 3), np.float32)
    np.testing.assert_array_equal(model.decode(latents), images)
    assert not np.array_equal(sampler.sample_latents(5, seed=4), latents)
    assert not np.array_equal(sampler.sample_latents(5), sampler.sample_latents(5))
    # Whatever has drawn numbers before: the same seed fits the same sampler.
    np.testing.assert_array_equal(fit(model, name).sample_latents(5, seed=3), latents)
    sampler.save(tmp_path / "new" / "folder")
    loaded = zoo.samplers.load(tmp_path / "new" / "folder", model)
    np.testing.assert_array_equal(loaded.sample_latents(5, seed=3), latents)
    assert loaded.facts == sampler.facts
    assert repr(loaded) == repr(sampler)


def test_the_prior_is_the_models_own(model):
    np.testing.assert_array_equal(fit(model, "prior").sample(4, seed=1), model.sample(4, seed=1))
    small = {"vq_cnn": {"width": 4, "codes": 4}, "ladder": {"widths": [4], "groups": [1], "latents": [1], "blocks": 1}}
    for name, options in small.items():
        other = zoo.create_model(name, image_shape=SHAPE, seed=0, **options)
        np.testing.assert_array_equal(fit(other, "prior").sample(2, seed=1), other.sample(2, seed=1))


def make_two_modes(std=0.5):
    """A model that puts dark images around z = (-3, -3) and light ones around (3, 3), with a known deviation."""
    images = keras.Input((2, 2, 1))
    flat = keras.layers.Flatten()(images)
    mean = keras.layers.Dense(2, name="mean")(flat)
    deviation = keras.layers.Lambda(lambda it: it * 0 + std, output_shape=(2,))(mean)
    z = keras.Input((2,))
    decoder = keras.Model(z, keras.layers.Reshape((2, 2, 1))(keras.layers.Dense(4)(z)))
    encoder = keras.Model(images, [mean, deviation])
    encoder.get_layer("mean").set_weights([np.full((4, 2), 1.5, "float32"), np.full(2, -3.0, "float32")])
    return zoo.AutoEncoder(encoder, decoder)


EPOCHS = {"two_stage": {"epochs": 60}, "masked_autoregressive_flow": {"epochs": 60}}
TWO_KINDS = np.repeat(np.array([0.0, 1.0], "float32"), 512)[:, None, None, None] * np.ones((1, 2, 2, 1), "float32")


@pytest.mark.parametrize("name", NAMES[1:])
def test_they_draw_from_the_aggregate_posterior(name):
    sampler = fit(make_two_modes(), name, TWO_KINDS, **EPOCHS.get(name, {}))
    z = sampler.sample_latents(4000, seed=0)
    centres = np.array([[-3.0, -3.0], [3.0, 3.0]])
    distances = np.linalg.norm(z[:, None] - centres, axis=-1)
    near = distances.min(axis=1) < 1.5
    assert near.mean() > (0.7 if name in TRAINED else 0.98)
    assert abs((distances.argmin(axis=1)[near] == 0).mean() - 0.5) < 0.1
    # As wide as draws of z are: the means alone are two points.
    spread = (z[near] - centres[distances.argmin(axis=1)[near]]).std()
    assert spread == pytest.approx(0.5, abs=0.15 if name in TRAINED else 0.02)
    prior = fit(make_two_modes(), "prior", TWO_KINDS).sample_latents(4000, seed=0)
    assert (np.linalg.norm(prior[:, None] - centres, axis=-1).min(axis=1) < 1.5).mean() < 0.1


def test_the_mixture_is_a_density():
    sampler = fit(make_two_modes(), "gaussian_mixture:2", TWO_KINDS)
    found = sampler.arrays
    z = np.random.default_rng(0).normal(size=(50, 2)) * 3
    parts = [
        share * multivariate_normal(mean, factor @ factor.T).pdf(z)
        for share, mean, factor in zip(found["shares"], found["means"], found["factors"], strict=True)
    ]
    np.testing.assert_allclose(sampler.log_prob(z), np.log(sum(parts)), rtol=1e-5, atol=1e-5)


def test_points_are_drawn_from_as_they_are(clean_registry):
    class Plain(zoo.AutoEncoder):
        posterior = "point"

        def elbo_terms(self, images, *, z=None, training=False):
            raise NotImplementedError

    base = make_two_modes()
    model = Plain(keras.Model(base.encoder.input, base.encoder.outputs[0]), base.decoder)
    z = fit(model, "gaussian_mixture:2", TWO_KINDS).sample_latents(100, seed=0)
    np.testing.assert_allclose(np.abs(z), 3, atol=0.05)


@pytest.mark.parametrize(
    ("name", "settings", "error", "said"),
    [
        ("flow", {}, UnknownNameError, "no sampler 'flow': expected one of prior, gaussian_mixture, two_stage"),
        (None, {}, UnknownNameError, "no sampler None: expected"),
        ("prior:3", {}, ValueError, "the sampler 'prior:3' has a number: expected prior alone"),
        ("gaussian_mixture:0", {}, ValueError, "gaussian_mixture:0 with 12 images: expected from 1"),
        ("gaussian_mixture:13", {}, ValueError, "gaussian_mixture:13 with 12 images: expected from 1"),
        ("gaussian_mixture", {"epochs": 3}, ValueError, "epochs is 3, but gaussian_mixture is not trained"),
        ("two_stage", {"epochs": 0}, ValueError, "epochs is 0: expected a whole number of at least 1"),
        ("prior", {"seed": -1}, ValueError, "seed is -1: expected a whole number"),
    ],
)
def test_what_cannot_be_fitted(model, name, settings, error, said):
    with pytest.raises(error, match=said):
        zoo.samplers.fit(model, BYTES, name, **settings)


@pytest.mark.parametrize("name", NAMES[1:])
def test_latents_without_such_a_density(name):
    vq = zoo.create_model("vq_cnn", image_shape=SHAPE, width=4, codes=4)
    with pytest.raises(ValueError, match=r"of VectorQuantizedAutoEncoder are codes: choose prior or code_prior"):
        fit(vq, name)
    ladder = zoo.create_model("ladder", image_shape=SHAPE, widths=[4], groups=[1], latents=[1], blocks=1)
    with pytest.raises(ValueError, match=r"have learned their prior, each given those above it: choose prior"):
        fit(ladder, name)


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "3"])
def test_numbers_of_samples(model, n):
    with pytest.raises(ValueError, match="expected a whole number of at least 1"):
        fit(model, "prior").sample(n)


def test_scikit_learn_is_an_extra(model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.mixture", None)
    with pytest.raises(zoo.errors.BackendError, match=r"scikit-learn: pip install 'autoencoder-zoo\[samplers\]'"):
        fit(model, "gaussian_mixture:2")
