"""The zoo's hierarchical architecture."""

import numpy as np
import pytest

import zoo
from zoo.cli.printing import print_scores
from zoo.errors import ArchitectureError

SMALL = {"widths": [4, 6], "groups": [1], "latents": [1, 2], "blocks": 1}


def make(shape=(8, 8, 1), **options):
    return zoo.create_model("ladder", image_shape=shape, seed=0, **{**SMALL, **options})


@pytest.mark.parametrize(
    ("shape", "stride", "sizes"),
    [
        ((17, 9, 2), 2, [(1, 1), (3, 2), (5, 3), (9, 5)]),
        ((5, 1, 1), 4, [(1, 1), (2, 1)]),
        ((1, 1, 3), 1, [(1, 1)]),
    ],
)
def test_levels_lead_from_the_image_to_a_single_position(shape, stride, sizes):
    model = make(shape, stride=stride)
    assert [group.shape[:2] for group in model.groups] == sizes
    assert model.latent_shape == (sum(group.size for group in model.groups),)
    images = np.random.default_rng(0).random((2, *shape), "float32")
    assert model(images).shape == images.shape


def test_options_decide_the_number_of_latents():
    plain = make(groups=[2, 1], latents=[3, 5])
    assert [group.shape for group in plain.groups] == [(1, 1, 5), (4, 4, 3), (4, 4, 3)]
    assert plain.latent_shape == (5 + 2 * 48,)
    # The group at the top takes what the others leave.
    assert make(groups=[2, 1], latents=[3, 5], latent_dim=100).groups[0].shape == (1, 1, 4)
    with pytest.raises(ArchitectureError, match=r"the latent has 96 values, the groups below the one at the top 96"):
        make(groups=[2, 1], latents=[3, 5], latent_dim=96)
    with pytest.raises(ArchitectureError, match=r"latent_shape is \(4, 4\): expected one number"):
        make(latent_shape=(4, 4))
    with pytest.raises(ArchitectureError, match=r"stride is 3: expected 1, 2, 4 or 8"):
        make(stride=3)


@pytest.mark.slow
def test_it_starts_near_the_prior_and_learns():
    model = make(likelihood="bernoulli")
    images = (np.random.default_rng(0).random((16, 1, 1, 1)) < 0.5) * np.ones((16, 8, 8, 1), "float32")
    mean, std = (np.asarray(part) for part in model.posterior_parameters(images))
    assert abs(mean).max() < 0.5
    assert abs(std - 1).max() < 0.3
    model.optimizer.learning_rate = 0.01
    history = model.fit(np.tile(images, (16, 1, 1, 1)), batch_size=16, epochs=4, verbose=0).history
    assert history["negative_elbo"][-1] < 0.5 * history["negative_elbo"][0]
    assert history["kl_loss"][-1] > 0.1


def test_dropout_is_for_training_alone():
    model = make(dropout=0.5)
    images = np.random.default_rng(0).random((2, 8, 8, 1), "float32")
    np.testing.assert_array_equal(model(images), model(images))
    one, two = (np.asarray(model.encoder(images, training=True)[0]) for _ in range(2))
    assert abs(one - two).max() > 0


def test_presets_have_its_own_number_of_latents():
    assert zoo.create_model("ladder/cifar10", **SMALL).latent_shape == (256 + 2 * (64 + 16 + 1),)


def test_scores_are_shown_by_group(capsys):
    model = make()
    scores = zoo.evaluate(model, np.random.default_rng(0).random((5, 8, 8, 1), "float32"))
    print_scores(scores)
    table = capsys.readouterr().out.partition("group, from the top")[2]
    rows = [line.split() for line in table.splitlines() if line.split()[:1] and line.split()[0].isdigit()]
    assert [row[0] for row in rows] == ["1", "2"]
    assert sum(float(row[1]) for row in rows) == pytest.approx(scores["kl"], abs=0.02)
    assert [int(row[2]) for row in rows] == scores["active_units_per_group"]
