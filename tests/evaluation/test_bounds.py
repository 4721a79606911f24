"""Scoring with the importance-weighted bound, for any k in constant memory."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from rich.console import Console
from scipy import special
from support.importance_models import IMAGES, make_model

import zoo
from zoo.autoencoder.model import AutoEncoder
from zoo.evaluation import bounds
from zoo.layers import GaussianHead
from zoo.progress import show_progress


class Watched(AutoEncoder):
    """Remember how many rows the decoder is traced with, and how many images the encoder gets."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.rows, self.encoded = [], 0

    def importance_terms(self, images, samples, **settings):
        self.rows.append(samples * images.shape[0])
        assert settings["posterior"] is not None
        return super().importance_terms(images, samples, **settings)

    def encode(self, images, labels=None):
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


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch runs Python at each call")
def test_a_second_evaluation_traces_nothing_anew(tmp_path):
    model = make_model()
    watched = Watched(model.encoder, model.decoder, model.likelihood, seed=0)
    first = zoo.evaluate(watched, IMAGES, importance_samples=7)
    traced = len(watched.rows)
    assert zoo.evaluate(watched, IMAGES, importance_samples=7) == first
    assert len(watched.rows) == traced > 0
    other = make_model().decoder
    other.set_weights([0 * weight for weight in other.get_weights()])
    watched.decoder = other
    assert zoo.evaluate(watched, IMAGES, importance_samples=7)["iwae"]["nats"] != pytest.approx(
        first["iwae"]["nats"], 1e-3
    )
    # What is kept is no part of the file.
    zoo.evaluate(model, IMAGES, importance_samples=7)
    model.save(tmp_path / "model.keras")
    assert zoo.evaluate(zoo.load_model(tmp_path / "model.keras"), IMAGES, importance_samples=7) == zoo.evaluate(
        model, IMAGES, importance_samples=7
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
    scorer = bounds._LogWeights.run

    def record(self, inputs):
        drawn.append(scorer(self, inputs))
        return drawn[-1]

    monkeypatch.setattr(bounds._LogWeights, "run", record)
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

    def log_weights(self, images, samples, seed=None):
        return -6.0 + 0.0 * keras.random.normal((samples, ops.shape(images)[0]), seed=seed)


@pytest.mark.parametrize(("kind", "bound"), [(WithWeights, 6.0), (WithoutWeights, None)])
def test_a_model_with_another_latent_has_the_scores_that_it_defines(kind, bound):
    model = make_model()
    scores = zoo.evaluate(kind(model.encoder, model.decoder, model.likelihood), IMAGES, importance_samples=30)
    assert (scores["negative_elbo"], scores["reconstruction"], scores["kl"]) == (7, 3, 4)
    assert scores["iwae"] == (None if bound is None else {"k": 30, "nats": pytest.approx(bound), "images": 24})
    assert scores["kl_per_latent"] is None
    assert scores["active_units"] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"importance_samples": 3}, "importance_samples is 3, but WithoutWeights overrides elbo_terms"),
        (
            {"free_bits": 0.5},
            r"free_bits is 0\.5, but WithoutWeights overrides elbo_terms: it must then also define latent_terms",
        ),
    ],
)
def test_an_objective_without_terms_is_refused(settings, message):
    model = make_model()
    with pytest.raises(ValueError, match=message):
        WithoutWeights(model.encoder, model.decoder, model.likelihood).compile(**settings)


def test_weights_of_a_plain_loss_are_refused():
    with pytest.raises(ValueError, match="with the loss mean_squared_error, which is not a likelihood: expected 1"):
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
