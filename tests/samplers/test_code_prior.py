"""The prior over codes: a distribution, the same one that learns and that draws, and what images cost with it."""

import itertools
import math

import keras
import numpy as np
import pytest
from keras import ops
from support.small_models import BYTES, SHAPE, make_model

import zoo
from zoo.samplers.code_network import CodeNetwork, shapes
from zoo.samplers.code_training import CodeObjective

random = np.random.default_rng(0)


def make_network(codes, size, stages, blocks=2):
    arrays = {name: random.standard_normal(shape) for name, shape in shapes(codes, 4, 6, blocks, stages).items()}
    scaled = {name: it * (0.3 if name.startswith("k") else 1) for name, it in arrays.items()}
    return CodeNetwork(scaled, blocks, size, stages)


@pytest.mark.parametrize(
    ("codes", "size", "stages"), [(3, (2, 2), 1), (2, (1, 5), 1), (4, (1, 1), 1), (2, (2, 1), 3), (3, (1, 2), 2)]
)
def test_all_maps_together_have_the_probability_one(codes, size, stages):
    network, size = make_network(codes, size, stages), (*size, stages)
    maps = np.array(list(itertools.product(range(codes), repeat=math.prod(size)))).reshape(-1, *size)
    probabilities = np.exp(network.log_prob(maps))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert probabilities.max() > 2 * probabilities.mean()  # It is not the uniform one.
    drawn = network.draw(20_000, np.random.default_rng(1))
    places = codes ** np.arange(math.prod(size))[::-1]
    shares = np.bincount(drawn.reshape(len(drawn), -1) @ places, minlength=len(maps)) / len(drawn)
    np.testing.assert_allclose(shares, probabilities, atol=5 * np.sqrt(probabilities.max() / len(drawn)))


@pytest.mark.parametrize("stages", [1, 3])
def test_what_learns_has_the_probabilities_of_what_draws(stages):
    network = CodeObjective(5, 4, 6, 2, seed=0, stages=stages)
    codes = random.integers(0, 5, (7, 4, 6, stages))
    # At first all codes are equally likely.
    uniform = 24 * stages * math.log(5)
    np.testing.assert_allclose(ops.convert_to_numpy(network(codes.astype("int32"))), uniform, rtol=1e-5)
    for weight in network.weights:
        weight.assign(random.standard_normal(weight.shape) * 0.4)
    arrays = {name: array.astype("float64") for name, array in network.arrays().items()}
    found = CodeNetwork(arrays, 2, (4, 6), stages).log_prob(codes)
    np.testing.assert_allclose(ops.convert_to_numpy(network(codes.astype("int32"))), -found, rtol=1e-4)


@pytest.fixture(scope="module")
def model():
    made = make_fsq("discretized_logistic")
    # Standardised, so that images have different codes.
    last = keras.Model(made.encoder.input, made.quantizer.input)
    found = last.predict(BYTES / np.float32(255), verbose=0)
    kernel, bias = last.layers[-1].get_weights()
    last.layers[-1].set_weights([kernel / found.std(), (bias - found.mean(axis=(0, 1, 2))) / found.std()])
    return made


def make_fsq(likelihood):
    options = {"image_shape": SHAPE, "likelihood": likelihood, "seed": 0}
    return zoo.create_model("fsq_cnn", width=4, levels=[3, 4], **options)


@pytest.fixture(scope="module")
def two_kinds():
    return np.repeat(BYTES[:2], 128, axis=0)


@pytest.fixture(scope="module")
def sampler(model, two_kinds):
    return zoo.samplers.fit(model, two_kinds, "code_prior", epochs=200)


def test_it_learns_which_maps_there_are(model, two_kinds, sampler):
    maps = model.encode(two_kinds[[0, -1]])[0]
    assert not np.array_equal(*maps)
    np.testing.assert_allclose(sampler.log_prob(maps), math.log(0.5), atol=0.2)
    drawn = sampler.sample_latents(500, seed=0)
    kinds = [(drawn == it).all(axis=(1, 2, 3)).mean() for it in maps]
    assert sum(kinds) > 0.85
    assert min(kinds) > 0.3


def test_what_images_cost(model, two_kinds, sampler):
    found = sampler.score(two_kinds[::16])
    evaluated = zoo.evaluate(model, two_kinds[::16])
    assert found["reconstruction"] == pytest.approx(evaluated["reconstruction"], rel=1e-6)
    nats = -sampler.log_prob(model.encode(two_kinds[::16])[0]).mean()
    assert found["negative_elbo"] == pytest.approx(evaluated["reconstruction"] + nats, rel=1e-6)
    assert found["code_rate_bits"] == pytest.approx(nats / math.log(2), rel=1e-6)
    assert found["uniform_rate_bits"] == pytest.approx(evaluated["kl"] / math.log(2), rel=1e-6)
    assert found["bits_per_dim"] == pytest.approx(found["negative_elbo"] / (64 * math.log(2)))
    assert found["code_rate_bits"] < 0.2 * found["uniform_rate_bits"]
    other = zoo.samplers.CodePrior(make_fsq("mse"), sampler.facts, sampler.arrays)
    with pytest.raises(ValueError, match="is no likelihood: expected a model that has one"):
        other.score(BYTES)


def test_a_file_holds_all_of_it(model, sampler, tmp_path):
    sampler.save(tmp_path)
    loaded = zoo.samplers.load(tmp_path, model)
    np.testing.assert_array_equal(loaded.sample(3, seed=1), sampler.sample(3, seed=1))
    assert repr(loaded) == "Sampler(code_prior, embedding=8, width=24, blocks=1, epochs=200, fitted to 256 images)"


@pytest.mark.parametrize("options", [{"latent_shape": (3, 2)}, {"latent_dim": 4}, {"quantizers": 2}])
def test_any_map_of_codes(options):
    vq = zoo.create_model("vq_cnn", image_shape=SHAPE, seed=0, width=4, codes=4, **options)
    first, second = (zoo.samplers.fit(vq, BYTES, "code_prior", epochs=1, seed=3).sample(2, seed=1) for _ in range(2))
    assert first.shape == (2, *SHAPE)
    np.testing.assert_array_equal(first, second)


def test_real_numbers_are_no_codes():
    with pytest.raises(ValueError, match=r"code_prior is for codes, and the latents of AutoEncoder are real numbers"):
        zoo.samplers.fit(make_model(), BYTES, "code_prior")
