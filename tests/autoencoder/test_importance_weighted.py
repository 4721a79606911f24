"""Training on the importance-weighted bound, and scoring with it for any k in constant memory."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from scipy import special
from support.importance_models import IMAGES, make_model

import zoo
from zoo.schedules import LinearWarmUp


def draw_again(model, compute):
    """Return what ``compute`` gives with the draws that a fresh model's first step has."""
    model.seed_generator.state.assign(keras.random.SeedGenerator(3).state)
    return compute()


@pytest.mark.parametrize("weight", [1.0, 0.3])
@pytest.mark.parametrize("samples", [2, 5])
def test_objective_is_the_bound_of_the_weights(samples, weight):
    model = make_model(importance_samples=samples, kl_weight=weight)
    steps = {
        "train_step": lambda: model.train_step(IMAGES),
        "fit": lambda: {key: value[0] for key, value in model.fit(IMAGES, shuffle=False, verbose=0).history.items()},
        "evaluate": lambda: model.evaluate(IMAGES, verbose=0, return_dict=True),
    }
    terms = draw_again(model, lambda: model.importance_terms(IMAGES, samples))
    log_likelihood, log_ratio, kl = (ops.convert_to_numpy(term).astype("float64") for term in terms)
    bound = special.logsumexp(log_likelihood + weight * log_ratio, axis=0) - math.log(samples)
    for name, step in steps.items():
        logs = {key: float(value) for key, value in draw_again(model, step).items()}
        assert logs["loss"] == pytest.approx(-bound.mean(), rel=1e-5), name
        assert logs["reconstruction_loss"] == pytest.approx(-log_likelihood.mean(), rel=1e-5)
        assert logs["kl_loss"] == pytest.approx(kl.mean(), rel=1e-5)
        assert logs["negative_elbo"] == pytest.approx(kl.mean() - log_likelihood.mean(), rel=1e-5)
    # The log weights themselves are compared with float64 elsewhere.
    weights = draw_again(model, lambda: model.log_weights(IMAGES, samples))
    np.testing.assert_allclose(ops.convert_to_numpy(weights), log_likelihood + log_ratio, rtol=1e-5)


def test_one_sample_is_the_evidence_lower_bound():
    model = make_model()
    terms = draw_again(model, lambda: model.elbo_terms(IMAGES))
    expected = sum(float(np.mean(ops.convert_to_numpy(term))) for term in terms)
    model.compile(keras.optimizers.SGD(0.0), importance_samples=1)
    logs = draw_again(model, lambda: model.train_step(IMAGES))
    assert float(logs["loss"]) == pytest.approx(expected, rel=1e-5)


def test_gradient_weighs_samples_by_their_importance():
    # Burda et al. 2016, equation 14: a step on the bound is the weighted sum of steps on log p(x, z) - log q(z|x).
    # The decoder's last bias enters through log p(x|z) alone, whose derivative is image - probability, summed.
    model = make_model("bernoulli", "threshold", optimizer=keras.optimizers.SGD(1.0), importance_samples=6)
    bias = model.decoder.layers[-1].bias
    targets = ops.convert_to_numpy(model.prepare(IMAGES)).astype("float64")

    def raw_outputs():
        mean, std = model.encode(targets)
        noise = ops.convert_to_numpy(keras.random.normal((6, 24, 3), seed=model.seed_generator))
        z = (mean + std * noise).reshape(-1, 3)
        return ops.convert_to_numpy(model.decoder(z)).astype("float64").reshape(6, 24, 8, 8, 1)

    raw = draw_again(model, raw_outputs)
    weights = special.softmax(ops.convert_to_numpy(draw_again(model, lambda: model.log_weights(IMAGES, 6))), axis=0)
    slope = (targets - special.expit(raw)).sum(axis=(2, 3, 4))
    before = float(ops.convert_to_numpy(bias)[0])
    draw_again(model, lambda: model.train_step(IMAGES))
    moved = float(ops.convert_to_numpy(bias)[0]) - before
    assert moved == pytest.approx((weights * slope).sum(axis=0).mean(), rel=1e-3)
    assert moved != pytest.approx(slope.mean(), rel=1e-3)  # the evidence lower bound's


def test_training_on_the_bound_lowers_it():
    model = make_model(optimizer=keras.optimizers.Adam(0.01), importance_samples=4, kl_weight=LinearWarmUp(3))
    history = model.fit(IMAGES, validation_data=IMAGES, epochs=12, batch_size=12, verbose=0).history
    assert history["val_loss"][-1] < history["val_loss"][0] - 2
    # The bound of four samples is below the negative ELBO.
    assert all(loss < elbo for loss, elbo in zip(history["val_loss"], history["val_negative_elbo"], strict=True))


def test_samples_are_saved_with_the_model(tmp_path):
    model = make_model(importance_samples=3)
    model.save(tmp_path / "model.keras")
    again = zoo.load_model(tmp_path / "model.keras")
    assert again.importance_samples == 3
    first, second = (float(draw_again(it, lambda it=it: it.train_step(IMAGES))["loss"]) for it in (model, again))
    assert second == pytest.approx(first, rel=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = make_model(importance_samples=3, optimizer="adam")
        logs = model.train_step(IMAGES)
    finally:
        keras.config.set_dtype_policy(before)
    assert np.isfinite(float(logs["loss"]))
    assert all(np.isfinite(np.asarray(weight, "float32")).all() for weight in model.get_weights())


@pytest.mark.parametrize("samples", [0, -1, 2.5, "many", True])
def test_number_of_samples_must_be_a_count(samples):
    with pytest.raises(ValueError, match=r"importance_samples is .*: expected a whole number of at least 1"):
        make_model(importance_samples=samples)


def test_free_bits_are_refused():
    with pytest.raises(ValueError, match=r"free_bits is 0\.5 with importance_samples 2: expected one of them"):
        make_model(importance_samples=2, free_bits=0.5)
    with pytest.raises(ValueError, match=r"free_bits is 0\.5 with importance_samples 2: expected one of them"):
        zoo.Recipe(importance_samples=2, free_bits=0.5)


def test_a_recipe_sets_the_samples():
    assert zoo.Recipe(importance_samples=8).to_dict()["importance_samples"] == 8
    with pytest.raises(ValueError, match="importance_samples is 0: expected a whole number of at least 1"):
        zoo.Recipe(importance_samples=0)
