"""Anomaly scores of images against what evaluation says, and against posteriors that are known."""

import keras
import numpy as np
import pytest
from support.small_models import BYTES, SHAPE, make_model

import zoo
from zoo.errors import UnknownNameError
from zoo.evaluation.outliers import ANOMALY_SCORES, tell_apart

IMAGES = np.random.default_rng(3).integers(0, 256, (20, *SHAPE), np.uint8)


@pytest.fixture(scope="module")
def model():
    return make_model("discretized_logistic", channels=2)


def test_two_of_them_are_those_of_evaluation(model):
    found = zoo.anomaly_scores(model, IMAGES, seed=3)
    assert list(found) == ["negative_elbo", "reconstruction_error"]
    expected = zoo.evaluate(model, IMAGES, seed=3, per_image=True)["per_image"]
    np.testing.assert_allclose(found["negative_elbo"], expected["negative_elbo"], rtol=1e-12)
    np.testing.assert_allclose(found["reconstruction_error"], expected["mse"], rtol=1e-12)
    assert all(values.shape == (20,) and values.dtype == np.float64 for values in found.values())


def test_all_are_equal_at_each_call_and_nothing_else_changes(model):
    before = model.get_weights()
    first, second = (zoo.anomaly_scores(model, IMAGES, ANOMALY_SCORES, reference=BYTES, steps=5) for _ in range(2))
    assert list(first) == list(ANOMALY_SCORES)
    for name in ANOMALY_SCORES:
        np.testing.assert_array_equal(first[name], second[name])
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    assert model.optimizer is not None
    model.fit(IMAGES, epochs=1, verbose=0)  # It can still be trained.
    model.set_weights(before)


def test_typicality_is_the_distance_from_the_mean_of_the_reference(model):
    found = zoo.anomaly_scores(model, IMAGES, ("typicality", "negative_elbo"), reference=BYTES)
    mean = np.mean(zoo.anomaly_scores(model, BYTES)["negative_elbo"])
    np.testing.assert_allclose(found["typicality"], np.abs(found["negative_elbo"] - mean))
    with pytest.raises(ValueError, match="typicality needs a reference: pass reference="):
        zoo.anomaly_scores(model, IMAGES, "typicality")


class LinearPair:
    """A model whose best posterior is known: x = 0.5 + w z + noise of the smallest scale, one value of each image."""

    weight = 0.4

    def __init__(self, mean, std):
        images = keras.Input((1, 1, 1))
        flat = keras.layers.Flatten()(images)
        constant = keras.layers.Dense(2, kernel_initializer="zeros", bias_initializer="zeros", name="moments")
        moments = constant(flat)
        outputs = keras.layers.Lambda(lambda it: [it[:, :1], keras.ops.exp(it[:, 1:])])(moments)
        encoder = keras.Model(images, outputs)
        z = keras.Input((1,))
        values = keras.layers.Dense(2, name="values")(z)
        decoder = keras.Model(z, keras.layers.Reshape((1, 1, 2))(values))
        self.model = zoo.AutoEncoder(encoder, decoder, "gaussian")
        encoder.get_layer("moments").set_weights([np.zeros((1, 2)), np.array([mean, np.log(std)])])
        decoder.get_layer("values").set_weights([np.array([[self.weight, 0.0]]), np.array([0.0, -2.0])])

    def elbo(self, x, mean, std, scale):
        """The ELBO in closed form."""
        expected = (x - 0.5 - self.weight * mean) ** 2 + (self.weight * std) ** 2
        log_likelihood = -0.5 * expected / scale**2 - np.log(scale) - 0.5 * np.log(2 * np.pi)
        return log_likelihood - (0.5 * (mean**2 + std**2 - 1) - np.log(std))


def test_regret_is_what_the_best_posterior_gains(monkeypatch):
    monkeypatch.setattr("zoo.evaluation.regret.DRAWS", 20_000)
    pair = LinearPair(mean=1.0, std=0.3)
    location_scale = zoo.likelihoods.get("gaussian")
    x = np.array([0.1, 0.5, 0.9], "float32").reshape(3, 1, 1, 1)
    # The scale that a raw output of -2 means, from the density at its location.
    top = keras.ops.convert_to_numpy(
        location_scale.log_prob(np.full((1, 1, 1, 1), 0.5, "float32"), np.array([[[[0.0, -2.0]]]], "float32"))
    )
    scale = float(np.exp(-top[0]) / np.sqrt(2 * np.pi))
    variance = 1 / (1 + (pair.weight / scale) ** 2)
    best_mean = variance * pair.weight * (x.reshape(-1) - 0.5) / scale**2
    best = pair.elbo(x.reshape(-1), best_mean, np.sqrt(variance), scale)
    expected = best - pair.elbo(x.reshape(-1), 1.0, 0.3, scale)
    found = zoo.anomaly_scores(pair.model, x, "likelihood_regret", steps=300)["likelihood_regret"]
    assert expected.min() > 0
    np.testing.assert_allclose(found, expected, rtol=0.03, atol=0.05)


def test_regret_does_not_depend_on_the_other_images_and_is_never_negative(model):
    found = zoo.anomaly_scores(model, IMAGES, "likelihood_regret", steps=20)["likelihood_regret"]
    assert (found >= 0).all()
    assert found.max() > 0


@pytest.mark.parametrize("posterior", ["ladder", "vq_cnn"])
def test_other_posteriors_have_no_regret_and_all_else(posterior):
    small = {"widths": [4], "groups": [1], "latents": [1], "blocks": 1}
    options = {"ladder": small, "vq_cnn": {"width": 4, "codes": 4}}
    other = zoo.create_model(posterior, image_shape=SHAPE, likelihood="discretized_logistic", **options[posterior])
    found = zoo.anomaly_scores(other, IMAGES, ("negative_elbo", "reconstruction_error", "typicality"), reference=BYTES)
    assert all(np.isfinite(values).all() for values in found.values())
    with pytest.raises(ValueError, match=r"likelihood_regret is not defined for \w+AutoEncoder: expected a model"):
        zoo.anomaly_scores(other, IMAGES, "likelihood_regret")


@pytest.mark.parametrize("name", ["negative_elbo", "typicality", "likelihood_regret"])
def test_what_is_no_likelihood_has_an_error_alone(name):
    for likelihood in ("mse", "bernoulli"):  # The images are grey.
        other = make_model(likelihood)
        assert zoo.anomaly_scores(other, IMAGES, "reconstruction_error")["reconstruction_error"].shape == (20,)
        with pytest.raises(ValueError, match="is not a likelihood of these images: choose reconstruction_error"):
            zoo.anomaly_scores(other, IMAGES, name, reference=BYTES)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"scores": ("elbo",)}, UnknownNameError, "no anomaly score 'elbo': expected some of negative_elbo"),
        ({"scores": ()}, UnknownNameError, "no anomaly score is asked for"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"steps": 1.5}, ValueError, "steps is 1.5: expected a whole number"),
    ],
)
def test_bad_arguments(model, arguments, error, said):
    with pytest.raises(error, match=said):
        zoo.anomaly_scores(model, IMAGES, **arguments)


def test_sets_that_a_score_tells_apart(model):
    flat = np.full((20, *SHAPE), 128, np.uint8)
    found = tell_apart(model, flat, IMAGES, ("reconstruction_error",))
    assert found["reconstruction_error"]["auroc"] == 1
    same = tell_apart(model, IMAGES, IMAGES, ("negative_elbo",))
    assert same["negative_elbo"]["auroc"] == pytest.approx(0.5)
