import keras
import numpy as np
import pytest
from keras import ops
from scipy import special
from support import likelihood_reference as reference
from support.gradients import gradients

import zoo
from zoo import likelihoods
from zoo.errors import UnknownNameError
from zoo.likelihoods import Likelihood, PixelLoss


def name_of(item):
    """Return a test's id: no address of an object, which differs between processes."""
    return item if isinstance(item, str) else getattr(item, "name", None) or item.__name__


@pytest.mark.parametrize("name", [*likelihoods.LIKELIHOODS, "logistic_mixture:3"])
@pytest.mark.parametrize("spread", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_log_prob_matches_float64(name, spread, channels):
    random = np.random.default_rng(1)
    likelihood = likelihoods.get(name)
    images = reference.draw_images(random, (20, 8, 7, channels), name)
    raw = random.normal(scale=spread, size=(20, 8, 7, likelihood.output_channels(channels))).astype("float32")
    found = reference.compute(likelihood.log_prob, images, raw)
    assert found.shape == (20,)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference.log_prob(name, images, raw), rtol=1e-5)


def test_bernoulli_matches_float64_at_extreme_logits():
    logits = np.array([0, 1e-3, -1e-3, 20, -20, 100, -100, 1e4, -1e4, 1e9, -1e9], "float32").reshape(-1, 1, 1, 1)
    for value in (0.0, 0.3, 1.0):
        images = np.full_like(logits, value)
        found = reference.compute(likelihoods.get("bernoulli").log_prob, images, logits)
        np.testing.assert_allclose(found, reference.log_prob("bernoulli", images, logits), rtol=1e-5, atol=1e-30)


def test_probabilities_of_bernoulli_sum_to_one():
    logits = np.linspace(-50, 50, 201, dtype="float32").reshape(-1, 1, 1, 1)
    one, zero = (
        reference.compute(likelihoods.get("bernoulli").log_prob, np.full_like(logits, v), logits) for v in (1.0, 0.0)
    )
    np.testing.assert_allclose(np.exp(one.astype("float64")) + np.exp(zero.astype("float64")), 1.0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
def test_gradients_are_finite_everywhere(name, dtype):
    likelihood, limit = likelihoods.get(name), 6e4 if dtype == "float16" else 1e6
    raw = reference.extreme_parameters((600, 1, 1, likelihood.output_channels(3)), limit)
    if name not in ("bernoulli", "logistic_mixture"):
        pairs = reference.degenerate_parameters(limit)  # every pair of location and scale
        raw = np.concatenate([raw, np.repeat(pairs, 3, axis=-1)])
    values = np.array([0.0, reference.LEVEL, 0.5, 1 - reference.LEVEL, 1.0], "float32")
    images = np.broadcast_to(values.repeat(len(raw)).reshape(-1, 1, 1, 1), (5 * len(raw), 1, 1, 3))

    def log_prob(parameters):
        return likelihood.log_prob(images, ops.cast(parameters, dtype))

    raw = np.tile(raw, (5, 1, 1, 1))
    assert np.isfinite(ops.convert_to_numpy(log_prob(raw))).all()
    assert np.isfinite(gradients(log_prob, raw)[0]).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
def test_a_step_in_half_precision_is_nearly_the_one_in_float32(name, policy):
    images = reference.draw_images(np.random.default_rng(12), (16, 8, 6, 3), name)

    def train(policy):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            options = {"image_shape": (8, 6, 3), "likelihood": name, "filters": [4], "latent_dim": 2, "seed": 0}
            model = zoo.create_model("small_cnn", **options)
            # Plain steps: their lengths are the gradients'.
            model.compile(keras.optimizers.SGD(1e-6))
            before_step = model.get_weights()[:-1]
            losses = [float(model.train_step(images)["loss"]) for _ in range(3)]
        finally:
            keras.config.set_dtype_policy(before)
        moved = [np.ravel(new - old) for old, new in zip(before_step, model.get_weights()[:-1], strict=True)]
        return losses, np.concatenate(moved).astype("float64")

    (exact, expected), (losses, moved) = train("float32"), train(policy)
    np.testing.assert_allclose(losses, exact, rtol=0.02)
    assert np.linalg.norm(expected) > 0
    assert np.linalg.norm(moved - expected) < 0.1 * np.linalg.norm(expected)


@pytest.mark.parametrize("name", [*likelihoods.LIKELIHOODS, "mse"])
def test_twice_the_image_costs_twice(name):
    random = np.random.default_rng(5)
    likelihood = likelihoods.get(name)
    images = reference.draw_images(random, (6, 8, 8, 3), name)
    raw = random.normal(size=(6, 8, 8, likelihood.output_channels(3))).astype("float32")
    once = reference.compute(likelihood.log_prob, images, raw)
    twice = reference.compute(likelihood.log_prob, np.tile(images, (1, 2, 1, 1)), np.tile(raw, (1, 2, 1, 1)))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)


@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
def test_as_a_loss_it_is_the_mean_over_the_batch(name):
    random = np.random.default_rng(6)
    likelihood = likelihoods.get(name)
    images = reference.draw_images(random, (5, 4, 4, 1), name)
    raw = random.normal(size=(5, 4, 4, likelihood.output_channels(1))).astype("float32")
    found = float(likelihood(images, raw))
    np.testing.assert_allclose(found, -reference.log_prob(name, images, raw).mean(), rtol=1e-5)


def test_mean_of_bernoulli_is_the_probability():
    logits = np.linspace(-40, 40, 81, dtype="float32").reshape(1, 9, 9, 1)
    np.testing.assert_allclose(
        reference.compute(likelihoods.get("bernoulli").mean, logits), special.expit(logits.astype("float64")), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("name", "support", "channels"),
    [
        ("bernoulli", "binary", 3),
        ("discretized_gaussian", "bytes", 6),
        ("discretized_logistic", "bytes", 6),
        ("gaussian", "real", 6),
        ("logistic_mixture", "bytes", 100),
        ("logistic_mixture:4", "bytes", 40),
        ("mse", None, 3),
    ],
)
def test_support_and_output_channels(name, support, channels):
    likelihood = likelihoods.get(name)
    assert likelihood.support == support
    assert likelihood.output_channels(3) == channels


@pytest.mark.parametrize(
    "given",
    [*likelihoods.LIKELIHOODS, "logistic_mixture:2", "mse", "binary_crossentropy",
     keras.losses.Huber(), keras.losses.BinaryCrossentropy(label_smoothing=0.1)],
    ids=name_of,
)  # fmt: skip
def test_survives_serialization(given):
    likelihood = likelihoods.get(given)
    config = keras.saving.serialize_keras_object(likelihood)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(likelihood)
    assert again.identifier == likelihood.identifier
    assert again.get_config() == likelihood.get_config()
    random = np.random.default_rng(8)
    images = reference.draw_images(random, (4, 3, 3, 1), likelihood.identifier)
    raw = random.normal(size=(4, 3, 3, likelihood.output_channels(1))).astype("float32")
    np.testing.assert_array_equal(
        reference.compute(again.log_prob, images, raw), reference.compute(likelihood.log_prob, images, raw)
    )


@pytest.mark.parametrize("name", ["gaussian", "logistic_mixture", "logistic_mixture:3"])
def test_a_model_file_keeps_the_likelihood(name, tmp_path):
    model = zoo.create_model("small_cnn", image_shape=(8, 6, 3), likelihood=name, filters=[4], latent_dim=2, seed=0)
    model.save(tmp_path / "model.keras")
    again = zoo.load_model(tmp_path / "model.keras")
    assert again.likelihood.identifier == name
    assert again.likelihood.get_config() == model.likelihood.get_config()
    images, z = reference.draw_images(np.random.default_rng(9), (4, 8, 6, 3), name), np.ones((4, 2), "float32")
    for before, after in zip(model.elbo_terms(images, z=z), again.elbo_terms(images, z=z), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(after), ops.convert_to_numpy(before))


def test_get_takes_names_instances_and_keras_losses():
    for name, cls in likelihoods.LIKELIHOODS.items():
        assert type(likelihoods.get(name)) is cls
        assert likelihoods.get(name).identifier == name
    instance = likelihoods.DiscretizedLogistic()
    assert likelihoods.get(instance) is instance
    for loss in ("mse", keras.losses.MeanSquaredError(), keras.losses.mean_squared_error):
        assert isinstance(likelihoods.get(loss), PixelLoss)


@pytest.mark.parametrize(
    ("name", "near"), [("bernouli", "bernoulli"), ("discretised_logistic", "discretized_logistic")]
)
def test_unknown_name_gives_the_nearest(name, near):
    with pytest.raises(UnknownNameError, match=f"{name}.*'{near}'"):
        likelihoods.get(name)


def test_a_name_may_have_a_number_of_components():
    assert likelihoods.get("logistic_mixture").components == 10
    assert likelihoods.get("logistic_mixture:5").components == 5
    assert likelihoods.get("logistic_mixture:5").identifier == "logistic_mixture:5"
    assert likelihoods.get("logistic_mixture:10").identifier == "logistic_mixture"
    model = zoo.create_model("small_cnn/mnist", likelihood="logistic_mixture:2", filters=[4], latent_dim=2)
    assert model.decoder.output_shape == (None, 28, 28, 6)


@pytest.mark.parametrize(
    "name", ["logistic_mixture:0", "logistic_mixture:x", "logistic_mixture:1.5", "logistic_mixture:"]
)
def test_a_number_of_components_that_is_none(name):
    with pytest.raises(ValueError, match=rf"likelihood '{name}': expected a whole number .* 'logistic_mixture:5'"):
        likelihoods.get(name)


def test_a_number_of_components_where_there_are_none():
    with pytest.raises(ValueError, match="likelihood 'bernoulli:3': bernoulli has no components: expected 'bernoulli'"):
        likelihoods.get("bernoulli:3")


@pytest.mark.parametrize("given", [None, 3, ["mse"]])
def test_get_refuses_what_is_no_loss(given):
    with pytest.raises(TypeError, match="expected a name"):
        likelihoods.get(given)


def test_pixel_loss_and_base_class_have_no_draws():
    with pytest.raises(TypeError, match="does not define sample"):
        likelihoods.get("mse").sample(np.zeros((1, 2, 2, 1)))
    with pytest.raises(TypeError, match="does not define _log_prob"):
        Likelihood().log_prob(np.zeros((1, 2, 2, 1)), np.zeros((1, 2, 2, 1)))


@pytest.mark.parametrize("name", [*likelihoods.LIKELIHOODS, "mse"])
def test_half_precision_parameters_are_computed_in_float32(name):
    likelihood = likelihoods.get(name)
    raw = np.random.default_rng(10).normal(size=(2, 8, 8, likelihood.output_channels(1))).astype("float16")
    images = reference.draw_images(np.random.default_rng(11), (2, 8, 8, 1), name)
    found = likelihood.log_prob(ops.convert_to_tensor(images), ops.convert_to_tensor(raw))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_array_equal(ops.convert_to_numpy(found), reference.compute(likelihood.log_prob, images, raw))
    assert keras.backend.standardize_dtype(likelihood.mean(ops.convert_to_tensor(raw)).dtype) == "float32"


@pytest.mark.parametrize("name", [*likelihoods.LIKELIHOODS, "mse"])
def test_bytes_are_rescaled(name):
    likelihood = likelihoods.get(name)
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 1), np.uint8)
    parameters = np.random.default_rng(1).normal(size=(2, 3, 3, likelihood.output_channels(1))).astype("float32")
    floats = images / np.float32(255)
    np.testing.assert_allclose(
        likelihood.log_prob(images, parameters), likelihood.log_prob(floats, parameters), rtol=1e-6
    )
    np.testing.assert_allclose(likelihood(images, parameters), likelihood(floats, parameters), rtol=1e-6)


def test_other_integers_are_refused():
    images = np.zeros((2, 3, 3, 1), "int64")
    with pytest.raises(ValueError, match=r"got int(32|64); expected uint8 in 0\.\.255 or float in \[0, 1\]"):
        likelihoods.get("bernoulli").log_prob(images, np.zeros((2, 3, 3, 1), "float32"))
