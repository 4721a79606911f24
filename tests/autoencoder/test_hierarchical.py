"""Hierarchical models: the truth of a linear ladder of two levels, and what holds for any of them."""

import math

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy import stats

import zoo
from zoo.autoencoder.hierarchical import HierarchicalAutoEncoder
from zoo.evaluation.bounds import importance_weighted_bound
from zoo.layers import LatentGroup

# x = CENTER + A z_1 + B z_2 + noise, with z_2 = C z_1 + SPREAD * e_2 and z_1 = e_1: log p(x) is that of a Gaussian.
SHAPE, TOP, BELOW, NOISE, SPREAD = (4, 4, 1), 2, 3, 0.05, 0.5
random = np.random.default_rng(0)
A, B = (0.05 * random.normal(size=(16, n)) for n in (TOP, BELOW))
C = 0.7 * random.normal(size=(BELOW, TOP))
CENTER = random.uniform(0.4, 0.6, size=16)
LOADINGS = np.concatenate([A + B @ C, SPREAD * B], axis=1)  # x = CENTER + LOADINGS e + noise
IMAGES = CENTER + random.normal(size=(24, TOP + BELOW)) @ LOADINGS.T + NOISE * random.normal(size=(24, 16))
IMAGES = np.clip(IMAGES, 0, 1).reshape(-1, *SHAPE).astype("float32")
EVIDENCE = stats.multivariate_normal(CENTER, LOADINGS @ LOADINGS.T + NOISE**2 * np.eye(16)).logpdf(
    IMAGES.reshape(-1, 16)
)


def linear(inputs, kernel, bias=None):
    layer = layers.Dense(np.shape(kernel)[1])
    outputs = layer(inputs)
    layer.set_weights([np.asarray(value, "float32") for value in (kernel, np.zeros(outputs.shape[-1]))])
    if bias is not None:
        layer.bias.assign(np.asarray(bias, "float32"))
    return outputs


def raw_deviation(deviation):
    """Invert the bounded softplus of a group's deviation."""
    before = np.log(np.expm1(deviation)) - math.log(math.e - 1)
    return 10 * np.arctanh(before / 10)


def raw_scale(scale):
    """Invert the likelihood's scale, exp(-3 + 4 t / (1 + |t|)) of t = raw / 4 + 1/3."""
    bounded = (math.log(scale) + 3) / 4
    return 4 * (bounded / (1 - abs(bounded)) - 1 / 3)


def set_posterior(group, of_state, of_image, bias, deviation):
    """Let a group's mean be linear in state and features, and its deviation constant."""
    kernel = np.concatenate([of_state, of_image])
    kernel = np.concatenate([kernel, np.zeros_like(kernel)], axis=1)
    group.posterior_layer.set_weights([kernel.astype("float32"), np.concatenate([bias, raw_deviation(deviation)])])


def make_ladder(widen=1.1):
    """Make the model, with the mean of the exact posterior for each group and the deviation of a diagonal one."""
    images = keras.Input(SHAPE)
    encoder = keras.Model(images, layers.Flatten()(images))
    latents = keras.Input((TOP + BELOW,))
    state = linear(latents, np.zeros((TOP + BELOW, 1)))
    top, below = LatentGroup(0, (TOP,), (16,)), LatentGroup(TOP, (BELOW,), (16,))
    first = top(latents, state)
    state = linear(first, np.eye(TOP))
    second = layers.Add()([linear(below(latents, state), SPREAD * np.eye(BELOW)), linear(first, C.T)])
    location = layers.Add()([linear(first, A.T, CENTER - 0.5), linear(second, B.T)])
    scale = linear(first, np.zeros((TOP, 16)), np.full(16, raw_scale(NOISE)))
    raw = layers.Concatenate()([layers.Reshape(SHAPE)(location), layers.Reshape(SHAPE)(scale)])
    model = HierarchicalAutoEncoder(encoder, keras.Model(latents, raw), "gaussian", seed=0)
    # The exact posterior of both levels together, then of the second given the first.
    covariance = np.linalg.inv(np.eye(TOP + BELOW) + LOADINGS.T @ LOADINGS / NOISE**2)
    gain = covariance @ LOADINGS.T / NOISE**2
    deviation = np.sqrt(np.diag(covariance)[:TOP])
    set_posterior(top, np.zeros((1, TOP)), gain[:TOP].T, -gain[:TOP] @ CENTER, widen * deviation)
    own, other = LOADINGS[:, TOP:], LOADINGS[:, :TOP]
    covariance = np.linalg.inv(np.eye(BELOW) + own.T @ own / NOISE**2)
    gain = covariance @ own.T / NOISE**2
    set_posterior(below, -(gain @ other).T, gain.T, -gain @ CENTER, widen * np.sqrt(np.diag(covariance)))
    return model


@pytest.fixture(scope="module")
def ladder():
    return make_ladder()


def to_numpy(value):
    return ops.convert_to_numpy(value).astype("float64")


def test_bounds_are_ordered_and_tight(ladder):
    repeated = np.repeat(IMAGES, 200, axis=0)
    elbo = -np.mean(to_numpy(sum(ladder.elbo_terms(repeated))).reshape(len(IMAGES), -1), axis=1)
    bound = -importance_weighted_bound(ladder, IMAGES, 5000, seed=0)
    assert elbo.mean() < bound.mean() - 0.05
    assert bound.mean() < EVIDENCE.mean() + 0.05
    np.testing.assert_allclose(bound, EVIDENCE, atol=0.2)
    assert abs(bound.mean() - EVIDENCE.mean()) < 0.05


def test_samples_have_the_moments_of_the_generative_model(ladder):
    found = ladder.sample(4000, seed=0).reshape(-1, 16)
    np.testing.assert_allclose(found.mean(axis=0), CENTER, atol=0.02)
    np.testing.assert_allclose(np.cov(found.T), LOADINGS @ LOADINGS.T, atol=0.01)


def test_the_path_of_the_means(ladder):
    mean, std = ladder.encode(IMAGES)
    np.testing.assert_allclose(ladder.decode(mean), ladder.reconstruct(IMAGES), atol=1e-6)
    np.testing.assert_allclose(ladder.predict(IMAGES, verbose=0), ladder.reconstruct(IMAGES), atol=1e-6)
    network = ladder.inference_network()
    for ours, theirs in zip((mean, std), network.predict(IMAGES, verbose=0), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    # The exact posterior's mean, which no draw moves.
    joint = np.linalg.inv(np.eye(TOP + BELOW) + LOADINGS.T @ LOADINGS / NOISE**2) @ LOADINGS.T / NOISE**2
    np.testing.assert_allclose(mean, (IMAGES.reshape(-1, 16) - CENTER) @ joint.T, atol=1e-3)


def test_weights_are_those_of_densities(ladder):
    """log p(x, e) - log q(e|x) by SciPy's densities."""
    seeds = [keras.random.SeedGenerator(3) for _ in range(2)]
    weights = to_numpy(ladder.log_weights(IMAGES, 2, seed=seeds[0]))
    drawn = to_numpy(keras.random.normal((2 * len(IMAGES), TOP + BELOW), seed=seeds[1]))
    again = ladder.infer(IMAGES, noise=ops.convert_to_tensor(drawn, "float32"))
    mean, std, e = (to_numpy(part) for part in (again.mean, again.std, again.latents))
    images = np.tile(IMAGES.reshape(-1, 16), (2, 1))
    log_joint = stats.norm.logpdf(images, CENTER + e @ LOADINGS.T, NOISE).sum(axis=1) + stats.norm.logpdf(e).sum(axis=1)
    expected = log_joint - stats.norm.logpdf(e, mean, std).sum(axis=1)
    np.testing.assert_allclose(weights.reshape(-1), expected, rtol=1e-4, atol=1e-3)
    # The same latents, given, have the same posterior.
    given = ladder.infer(ops.convert_to_tensor(images.reshape(-1, *SHAPE), "float32"), z=again.latents)
    np.testing.assert_allclose(to_numpy(given.mean), mean, atol=1e-4)


def test_scores_by_group(ladder):
    scores = zoo.evaluate(ladder, IMAGES, seed=1)
    assert len(scores["kl_per_group"]) == 2
    assert math.isclose(sum(scores["kl_per_group"]), scores["kl"], rel_tol=1e-5)
    np.testing.assert_allclose(scores["kl_per_group"][0], sum(scores["kl_per_latent"][:TOP]), rtol=1e-6)
    assert sum(scores["active_units_per_group"]) == scores["active_units"] > 0
    assert "kl_per_group" not in zoo.evaluate(zoo.create_model("small_cnn", image_shape=SHAPE, filters=[4]), IMAGES)


def test_groups_must_cover_the_latent():
    images, latents = keras.Input(SHAPE), keras.Input((5,))
    encoder = keras.Model(images, layers.Flatten()(images))

    def decode(*groups):
        made = [group(latents, linear(latents, np.zeros((5, 2)))) for group in groups]
        x = layers.Dense(32)(layers.Concatenate()([*made, made[0]]))
        return keras.Model(latents, layers.Reshape((4, 4, 2))(x))

    with pytest.raises(ValueError, match=r"LatentGroup layers the latents 0 to 4: expected a flat vector, each part"):
        HierarchicalAutoEncoder(encoder, decode(LatentGroup(0, (4,), (16,))), "gaussian")
    with pytest.raises(ValueError, match=r"uses features 0 of shape \(7,\): the encoder outputs \(16,\)"):
        HierarchicalAutoEncoder(encoder, decode(LatentGroup(0, (5,), (7,))), "gaussian")
    with pytest.raises(ValueError, match="expected the same but for the last axis"):
        LatentGroup(0, (3, 3, 2), (2, 2, 4))
    with pytest.raises(ValueError, match=r"the shape \(2, 2, 1\), but its state has \(2,\)"):
        decode(LatentGroup(0, (2, 2, 1), (2, 2, 4)))


def test_a_posterior_cannot_be_given(ladder):
    with pytest.raises(ValueError, match="each group's depends on the latents before it"):
        ladder.importance_terms(IMAGES, 2, posterior=ladder.encode(IMAGES))
