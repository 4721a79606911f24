"""What cannot be scored, and scores that are null."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo


@pytest.fixture(scope="module")
def images():
    return zoo.load_dataset("mnist_sample", limit=12).test.images


def make(cls=None, **options):
    model = zoo.create_model("small_cnn", image_shape=(28, 28, 1), filters=[4], latent_dim=3, seed=0, **options)
    return model if cls is None else cls(model.encoder, model.decoder, model.likelihood, seed=0)


@pytest.mark.parametrize("wrong", ["runs/small_cnn", None, keras.Sequential()])
def test_something_that_is_no_model(wrong, images):
    with pytest.raises(TypeError, match=r"model is .*: expected a zoo\.AutoEncoder"):
        zoo.evaluate(wrong, images)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (None, "got None; expected images"),
        ("mnist_sample", "got"),
        (iter([np.zeros((2, 28, 28, 1), "uint8")]), r"got a stream \(list_iterator\); expected a split"),
    ],
)
def test_something_that_is_no_set_of_images(wrong, message):
    with pytest.raises(ValueError, match=message):
        zoo.evaluate(make(), wrong)


def test_a_score_of_its_own_with_the_name_of_another(images):
    class Boastful(zoo.AutoEncoder):
        def extra_scores(self):
            return {"mse": 0.0, "seed": 3, "fame": 1.0}

    with pytest.raises(
        ValueError, match=r"extra_scores of Boastful returns mse, seed, which zoo\.evaluate returns for"
    ):
        zoo.evaluate(make(Boastful), images)


def test_a_whole_dataset():
    with pytest.raises(ValueError, match=r"one of its splits: dataset\.train, \.validation"):
        zoo.evaluate(make(), zoo.load_dataset("mnist_sample", limit=12))


@pytest.mark.parametrize("samples", [-1, 1_000_001, 10**30, 1.5, True, "5"])
def test_a_number_of_samples_that_is_none(samples, images):
    with pytest.raises(ValueError, match="expected a whole number from 0 to 1,000,000"):
        zoo.evaluate(make(), images, importance_samples=samples)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, r"the weight \S+ has [\d,]+ of [\d,]+ values that are NaN or infinite, and so have \d other weights"),
        (1e30, "not a finite number for 12 of 12 images, so it cannot be scored"),
    ],
)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_model_of_no_numbers(part, value, message, images, monkeypatch):
    model = make()
    network = getattr(model, part)
    network.set_weights([np.full_like(weight, value) for weight in network.get_weights()])
    monkeypatch.setattr("zoo.evaluation.scores.importance_weighted_bound", None)  # not reached
    with pytest.raises(ValueError, match=message):
        zoo.evaluate(model, images, importance_samples=100)


def test_one_image_has_no_active_units(images):
    assert zoo.evaluate(make(), images[:1])["active_units"] is None
    assert zoo.evaluate(make(), images[:2])["active_units"] is not None


@pytest.mark.parametrize("binarization", ["threshold", "dynamic"])
def test_binary_images_have_no_bits_per_dimension_of_grey_levels(images, binarization):
    grey = make()
    assert zoo.evaluate(grey, images)["bits_per_dim"] is not None
    binary = zoo.AutoEncoder(grey.encoder, grey.decoder, grey.likelihood, binarization)
    scores = zoo.evaluate(binary, images)
    assert scores["bits_per_dim"] is None
    assert scores["negative_elbo"] is not None


@keras.saving.register_keras_serializable(package="test_evaluation_refusals")
class Doubled(zoo.AutoEncoder):
    """Has terms of the bound of its own, but no weights that go with them."""

    def latent_terms(self, images, *, z=None, training=False):
        reconstruction, kl = super().latent_terms(images, z=z, training=training)
        return reconstruction, 2.0 * kl


@keras.saving.register_keras_serializable(package="test_evaluation_refusals")
class Weighed(Doubled):
    def log_weights(self, images, samples, seed=None):
        return ops.zeros((samples, ops.shape(images)[0])) - 7.0


def test_terms_of_its_own_need_weights_of_their_own(images):
    plain, doubled, weighed = (
        zoo.evaluate(make(cls), images, importance_samples=3) for cls in (None, Doubled, Weighed)
    )
    assert doubled["kl"] == pytest.approx(2 * plain["kl"])
    assert plain["iwae"]["nats"] > 0
    assert doubled["iwae"] is None
    assert weighed["iwae"]["nats"] == pytest.approx(7.0)


@keras.saving.register_keras_serializable(package="test_evaluation_refusals")
class Scaled(zoo.likelihoods.Likelihood):
    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**{"name": "scaled", **kwargs})
        self.scale = scale

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def test_a_likelihood_is_named_with_its_settings():
    assert Scaled(5.0).identifier == "scaled(scale=5.0)"
    assert zoo.likelihoods.get("gaussian").identifier == "gaussian"
    assert zoo.likelihoods.get("mse").identifier == "mean_squared_error"


def test_a_setting_of_the_recipe_is_no_option():
    with pytest.raises(TypeError, match=r"unknown option 'binarization' .*is a recipe setting: pass it to zoo"):
        zoo.create_model("small_cnn/mnist", binarization="threshold")


def test_the_former_name_of_importance_samples(images):
    model = make()
    with pytest.warns(DeprecationWarning, match="iwae_samples is now called importance_samples"):
        former = zoo.evaluate(model, images, iwae_samples=3)
    assert former == zoo.evaluate(model, images, importance_samples=3)
    assert former["iwae"]["k"] == 3
