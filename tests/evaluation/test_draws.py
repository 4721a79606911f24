"""What other draws of z explain of a difference."""

import numpy as np
import pytest
from support.dense_parts import build_decoder, build_encoder, make_images

import zoo
from zoo.evaluation.bounds import elbo_terms
from zoo.evaluation.draws import ERRORS, allowed_by_draws


@pytest.fixture(scope="module")
def model():
    return zoo.AutoEncoder(build_encoder((6, 5, 1), (3,)), build_decoder((3,), (6, 5, 2)), "discretized_logistic")


@pytest.fixture(scope="module")
def split():
    return zoo.Split((255 * make_images(400, 6, 5, 1)).astype("uint8"), np.zeros(400, int), "made", "test")


def test_it_is_the_spread_of_many_draws(model, split):
    """Five standard errors of a difference: sqrt(2) times the standard deviation of the score over seeds."""
    terms = [elbo_terms(model, split.images, seed) for seed in range(60)]
    scores = [reconstruction.mean() + kl.sum(axis=1).mean() for reconstruction, kl in terms]
    allowed = allowed_by_draws(model, split, 0)
    assert allowed["negative_elbo"] == pytest.approx(ERRORS * np.sqrt(2) * np.std(scores, ddof=1), rel=0.4)
    assert max(scores) - min(scores) < 1.5 * allowed["negative_elbo"]
    assert allowed["bits_per_dim"] == pytest.approx(allowed["negative_elbo"] / (30 * np.log(2)))


def test_a_point_has_no_draws(split):
    images = zoo.load_dataset("mnist_sample", limit=64).test
    model = zoo.create_model("vq_cnn/mnist_sample", seed=0)
    assert allowed_by_draws(model, images, 0)["negative_elbo"] == 0.0
