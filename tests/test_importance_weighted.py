"""Training on the importance-weighted bound, and scoring with it for any k in constant memory."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from rich.console import Console
from scipy import special

import zoo
from zoo.autoencoder import AutoEncoder
from zoo.evaluation import bounds
from zoo.evaluation.progress import show_progress
from zoo.layers import GaussianHead
from zoo.models import small_cnn
from zoo.schedules import LinearWarmUp

random = np.random.default_rng(0)
IMAGES = random.integers(0, 256, (24, 8, 8, 1), np.uint8)


def make_model(likelihood="discretized_logistic", binarization="none", spread=4, **settings):
    keras.utils.set_random_seed(1)
    channels = zoo.likelihoods.get(likelihood).output_channels(1)
    encoder = small_cnn.build_encoder((8, 8, 1), latent_shape=3, filters=[4])
    decoder = small_cnn.build_decoder(3, (8, 8, channels), filters=[4])
    head = next(layer for layer in encoder.layers if isinstance(layer, GaussianHead))
    head.set_weights([spread * weight for weight in head.get_weights()])  # a posterior away from the prior
    model = AutoEncoder(encoder, decoder, likelihood, binarization, seed=3)
    model.compile(**{"optimizer": keras.optimizers.SGD(0.0), **settings})
    return model


def draw_again(model, compute):
    """Give what ``compute`` gives with the draws that a fresh model's first step has."""
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


class Watched(AutoEncoder):
    """Remember how many rows the decoder is traced with, and how many images the encoder gets."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.rows, self.encoded = [], 0

    def importance_terms(self, images, samples, **settings):
        self.rows.append(samples * images.shape[0])
        assert settings["posterior"] is not None
        return super().importance_terms(images, samples, **settings)

    def encode(self, images):
        self.encoded += len(images)
        return super().encode(images)


def test_any_k_takes_the_same_memory_and_encodes_each_image_once():
    model = make_model(spread=1)
    watched = Watched(model.encoder, model.decoder, model.likelihood, seed=0)
    bound = bounds.importance_weighted_bound(watched, IMAGES[:1], 100_000, seed=0)
    assert max(watched.rows) <= bounds.ROWS
    assert watched.encoded == 1
    # So many samples leave no doubt: another seed gives the same.
    again = bounds.importance_weighted_bound(model, IMAGES[:1], 100_000, seed=1)
    np.testing.assert_allclose(bound, again, atol=0.3)


def test_a_second_evaluation_traces_nothing_anew(tmp_path):
    model = make_model()
    watched = Watched(model.encoder, model.decoder, model.likelihood, seed=0)
    first = zoo.evaluate(watched, IMAGES, iwae_samples=7)
    traced = len(watched.rows)
    assert zoo.evaluate(watched, IMAGES, iwae_samples=7) == first
    assert len(watched.rows) == traced > 0
    other = make_model().decoder
    other.set_weights([0 * weight for weight in other.get_weights()])
    watched.decoder = other
    assert zoo.evaluate(watched, IMAGES, iwae_samples=7)["iwae"]["nats"] != pytest.approx(first["iwae"]["nats"], 1e-3)
    # What is kept is no part of the file.
    zoo.evaluate(model, IMAGES, iwae_samples=7)
    model.save(tmp_path / "model.keras")
    assert zoo.evaluate(zoo.load_model(tmp_path / "model.keras"), IMAGES, iwae_samples=7) == zoo.evaluate(
        model, IMAGES, iwae_samples=7
    )


@pytest.mark.parametrize("samples", [1, 499, 501, 1003])
def test_chunks_and_batches_do_not_change_the_bound(samples):
    # With nothing in its way from the prior to a fixed decoder every weight is known: that of the mean image's bytes.
    model = make_model()
    head = next(layer for layer in model.encoder.layers if isinstance(layer, GaussianHead))
    head.set_weights([0 * weight for weight in head.get_weights()])
    for weight in model.decoder.trainable_variables:
        weight.assign(0 * weight)
    reconstruction, kl = model.elbo_terms(IMAGES[:7])
    assert float(np.max(np.abs(ops.convert_to_numpy(kl)))) == 0
    found = bounds.importance_weighted_bound(model, IMAGES[:7], samples, seed=0)
    np.testing.assert_allclose(found, ops.convert_to_numpy(reconstruction), rtol=1e-6)


def test_no_draw_comes_twice(monkeypatch):
    drawn = []
    scorer = bounds._LogWeights.predict_on_batch

    def record(self, inputs):
        drawn.append(scorer(self, inputs))
        return drawn[-1]

    monkeypatch.setattr(bounds._LogWeights, "predict_on_batch", record)
    model = make_model()
    found = bounds.importance_weighted_bound(model, np.repeat(IMAGES[:1], 3, axis=0), 1300, seed=4)
    weights = np.concatenate(drawn).astype("float64").reshape(3, -1)[:, :1300]
    # Equal images: what recurs would be a draw that came twice. float32 lets a few coincide.
    assert len(np.unique(weights)) > 0.98 * weights.size
    np.testing.assert_allclose(found, math.log(1300) - special.logsumexp(weights, axis=1), rtol=1e-9)


class WithoutWeights(AutoEncoder):
    """A model with terms of its own."""

    def elbo_terms(self, images, *, z=None, training=False):
        return ops.full((ops.shape(images)[0],), 3.0), ops.full((ops.shape(images)[0],), 4.0)


class WithWeights(WithoutWeights):
    """One that has weights of its own too."""

    def log_weights(self, images, samples, seed):
        return -6.0 + 0.0 * keras.random.normal((samples, ops.shape(images)[0]), seed=seed)


@pytest.mark.parametrize(("kind", "bound"), [(WithWeights, 6.0), (WithoutWeights, None)])
def test_a_model_with_another_latent_has_the_scores_that_it_defines(kind, bound):
    model = make_model()
    scores = zoo.evaluate(kind(model.encoder, model.decoder, model.likelihood), IMAGES, iwae_samples=30)
    assert (scores["negative_elbo"], scores["reconstruction"], scores["kl"]) == (7, 3, 4)
    assert scores["iwae"] == (None if bound is None else {"k": 30, "nats": pytest.approx(bound), "images": 24})
    assert scores["kl_per_latent"] is None
    assert scores["active_units"] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"importance_samples": 3}, "importance_samples is 3, but WithoutWeights has elbo_terms of its own"),
        ({"free_bits": 0.5}, r"free_bits is 0\.5, but WithoutWeights has elbo_terms of its own: it needs latent_terms"),
    ],
)
def test_an_objective_without_terms_is_refused(settings, message):
    model = make_model()
    with pytest.raises(ValueError, match=message):
        WithoutWeights(model.encoder, model.decoder, model.likelihood).compile(**settings)


def test_weights_of_a_plain_loss_are_refused():
    with pytest.raises(ValueError, match="with the loss mean_squared_error, which is no likelihood: expected 1"):
        make_model("mse", importance_samples=3)


def show(terminal, shown=True):
    console = Console(record=True, force_terminal=terminal, width=80, file=open("/dev/null", "w"))  # noqa: SIM115
    with show_progress("importance weights, k = 10", 30, shown, console) as advance:
        for _ in range(60):
            advance(0.5)
    console.file.close()
    return console.export_text()


def test_progress_is_shown_where_it_is_wanted():
    assert "importance weights, k = 10: 30 images" in show(terminal=False)
    assert "30/30" in show(terminal=True)
    assert show(terminal=False, shown=False) == show(terminal=True, shown=False) == ""
