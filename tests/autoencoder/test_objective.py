import keras
import numpy as np
import pytest
from keras import ops
from scipy import special
from support import likelihood_reference as reference
from support.objective_models import BYTES, IMAGES, make_model, random

from zoo import likelihoods


def apply(model, inputs):
    return keras.tree.map_structure(lambda t: ops.convert_to_numpy(t).astype("float64"), model(inputs))


def reference_kl(mean, std):
    """Return KL(N(mean, std) || N(0, 1)) of every latent (Kingma and Welling 2014, appendix B)."""
    return 0.5 * (mean**2 + std**2 - 1 - 2 * np.log(std))


def reference_terms(model, name, images, z):
    kl = reference_kl(*apply(model.encoder, images))
    return -reference.log_prob(name, images, apply(model.decoder, z)), kl.reshape(len(kl), -1).sum(axis=1)


def numbers(tensors):
    return [ops.convert_to_numpy(tensor) for tensor in tensors]


@pytest.mark.parametrize("name", [*likelihoods.LIKELIHOODS, "mse", "binary_crossentropy"])
@pytest.mark.parametrize(("shape", "latent"), [((8, 8, 1), 3), ((7, 5, 3), (4, 3, 2))])
def test_elbo_terms_match_float64(name, shape, latent):
    model = make_model(name, spread=5.0, shape=shape, latent=latent)
    as_bytes = random.integers(0, 256, (6, *shape), np.uint8)
    images = (as_bytes / 255).astype("float32")
    z = random.normal(size=(6, *model.latent_shape)).astype("float32")
    reconstruction, kl = numbers(model.elbo_terms(images, z=z))
    expected_reconstruction, expected_kl = reference_terms(model, name, images, z)
    assert expected_kl.min() > 0.1
    np.testing.assert_allclose(reconstruction, expected_reconstruction, rtol=1e-5)
    np.testing.assert_allclose(kl, expected_kl, rtol=1e-5)
    for from_bytes, from_floats in zip(numbers(model.elbo_terms(as_bytes, z=z)), (reconstruction, kl), strict=True):
        np.testing.assert_allclose(from_bytes, from_floats, rtol=1e-6)


@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
def test_terms_do_not_depend_on_the_batch_size(name):
    model = make_model(name, spread=5.0)
    z = random.normal(size=(32, 3)).astype("float32")
    whole = numbers(model.elbo_terms(BYTES, z=z))
    for size in (1, 7):
        parts = [numbers(model.elbo_terms(BYTES[i : i + size], z=z[i : i + size])) for i in range(0, 32, size)]
        for together, split in zip(whole, zip(*parts, strict=True), strict=True):
            np.testing.assert_allclose(np.concatenate(split), together, rtol=1e-5)


def test_z_is_drawn_from_the_posterior():
    model = make_model(spread=5.0)
    drawn = []
    decode = model.decoder.call
    model.decoder.call = lambda z, **settings: drawn.append(ops.convert_to_numpy(z)) or decode(z, **settings)
    for _ in range(60):
        model.elbo_terms(IMAGES)
    mean, std = apply(model.encoder, IMAGES)
    score = (np.array(drawn) - mean) / std
    # 60 draws of 96 latents: each mean within 5 standard errors, and the variance of all.
    assert np.abs(score.mean(axis=0)).max() < 5 / np.sqrt(60)
    assert abs(score.var() - 1) < 5 * np.sqrt(2 / score.size)


def test_objective_scales_with_the_image_and_not_with_the_batch():
    # Sum over pixels, mean over the batch: twice the batch leaves the objective, twice the pixels double one term.
    tall = make_model(shape=(16, 8, 1))
    reconstruction, _ = tall.elbo_terms(np.tile(IMAGES, (1, 2, 1, 1)), z=np.zeros((32, 3), "float32"))
    raw = apply(tall.decoder, np.zeros((32, 3), "float32"))
    halves = sum(reference.log_prob("bernoulli", IMAGES, part) for part in np.split(raw, 2, axis=1))
    np.testing.assert_allclose(ops.convert_to_numpy(reconstruction), -halves, rtol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.3, 4.0])
def test_logged_loss_is_reconstruction_plus_weighted_kl(weight):
    model = make_model(spread=5.0, optimizer="sgd", kl_weight=weight)
    model.optimizer.learning_rate = 0.0
    _, kl = reference_terms(model, "bernoulli", IMAGES, np.zeros((32, 3)))
    for logs in (
        model.train_step(IMAGES),
        {key: values[0] for key, values in model.fit(IMAGES, verbose=0).history.items()},
        model.evaluate(IMAGES, verbose=0, return_dict=True),
    ):
        logs = {key: float(value) for key, value in logs.items()}
        assert set(logs) == {"loss", "reconstruction_loss", "kl_loss", "negative_elbo"}
        np.testing.assert_allclose(logs["kl_loss"], kl.mean(), rtol=1e-5)
        np.testing.assert_allclose(logs["loss"], logs["reconstruction_loss"] + weight * logs["kl_loss"], rtol=1e-5)
        np.testing.assert_allclose(logs["negative_elbo"], logs["reconstruction_loss"] + logs["kl_loss"], rtol=1e-5)


def test_logs_of_unequal_batches_are_means_over_images():
    model = make_model(spread=5.0)
    _, kl = reference_terms(model, "bernoulli", IMAGES, np.zeros((32, 3)))
    logs = model.evaluate(IMAGES, batch_size=12, verbose=0, return_dict=True)  # 12, 12 and 8 images
    np.testing.assert_allclose(logs["kl_loss"], kl.mean(), rtol=1e-5)
    np.testing.assert_allclose(logs["loss"], logs["negative_elbo"], rtol=1e-5)


@pytest.mark.parametrize("below", [0, 1, 2, 3])
def test_free_bits_charge_the_batch_mean_of_each_latent(below):
    weight = 0.7
    model = make_model(spread=3.0)
    kl = reference_kl(*apply(model.encoder, IMAGES))
    # Between the divergences of the three latents, so that so many of them are below.
    of_latents = np.sort(kl.mean(axis=0))
    free_bits = np.convolve([0, *of_latents, 2 * of_latents[-1]], [0.5, 0.5], "valid")[below]
    model.compile(keras.optimizers.SGD(0.0), free_bits=free_bits, kl_weight=weight)
    charged = below * free_bits + of_latents[below:].sum()
    logs = {key: float(value) for key, value in model.train_step(IMAGES).items()}
    np.testing.assert_allclose(logs["loss"], logs["reconstruction_loss"] + weight * charged, rtol=1e-5)
    # What is reported stays the divergence itself, and evaluation knows no free bits.
    np.testing.assert_allclose(logs["kl_loss"], kl.sum(axis=1).mean(), rtol=1e-5)
    np.testing.assert_allclose(logs["negative_elbo"], logs["reconstruction_loss"] + logs["kl_loss"], rtol=1e-5)
    logs = model.evaluate(IMAGES, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["loss"], logs["reconstruction_loss"] + weight * logs["kl_loss"], rtol=1e-5)


def test_free_bits_give_no_gradient_below_the_threshold():
    model = make_model(optimizer="sgd", free_bits=50.0, kl_weight=1e6)
    before = model.get_weights()
    model.train_step(IMAGES)
    change = max(np.abs(new - old).max() for new, old in zip(model.get_weights()[:-1], before[:-1], strict=True))
    assert 0 < change < 10  # a KL gradient would be a million times as large


@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
def test_log_weights_match_float64(name):
    model = make_model(name, spread=5.0)
    images, samples = IMAGES[:5], 4
    found = ops.convert_to_numpy(model.log_weights(BYTES[:5], samples, seed=3))
    assert found.shape == (samples, 5)
    mean, std = apply(model.encoder, images)
    noise = np.asarray(keras.random.normal((samples, 5, 3), seed=3), "float64")
    z = mean + std * noise
    for k in range(samples):
        log_joint = reference.log_prob(name, images, apply(model.decoder, z[k].astype("float32")))
        log_joint += (-0.5 * z[k] ** 2 - 0.5 * np.log(2 * np.pi)).sum(axis=1)
        log_posterior = (-0.5 * noise[k] ** 2 - 0.5 * np.log(2 * np.pi) - np.log(std)).sum(axis=1)
        np.testing.assert_allclose(found[k], log_joint - log_posterior, rtol=1e-5)
    np.testing.assert_array_equal(found, ops.convert_to_numpy(model.log_weights(BYTES[:5], samples, seed=3)))
    assert not np.array_equal(found, ops.convert_to_numpy(model.log_weights(BYTES[:5], samples, seed=4)))


def test_log_weights_average_to_the_evidence():
    # One latent: log p(x) is an integral on a line, which the mean of the weights must approach.
    model = make_model(spread=3.0, latent=1)
    grid = np.linspace(-8, 8, 1601)
    raw = apply(model.decoder, grid[:, None].astype("float32"))
    log_prior = -0.5 * grid**2 - 0.5 * np.log(2 * np.pi)
    found = ops.convert_to_numpy(model.log_weights(IMAGES[:6], 6000, seed=5)).astype("float64")
    for image, weights in zip(IMAGES[:6], found.T, strict=True):
        joint = reference.log_prob("bernoulli", np.broadcast_to(image, (1601, 8, 8, 1)), raw) + log_prior
        evidence = special.logsumexp(joint) + np.log(grid[1] - grid[0])
        estimate = special.logsumexp(weights) - np.log(len(weights))
        ratios = np.exp(weights - weights.max())
        error = ratios.std() / ratios.mean() / np.sqrt(len(ratios))
        assert error < 0.1
        assert abs(estimate - evidence) < 4 * error
        assert weights.mean() < evidence  # the bound is below


def test_evaluate_is_unbiased():
    model = make_model(spread=5.0)
    runs = [model.evaluate(IMAGES, batch_size=16, verbose=0, return_dict=True)["loss"] for _ in range(25)]
    mean, std = apply(model.encoder, IMAGES)
    kl = reference_kl(mean, std).sum(axis=1)
    generator = np.random.default_rng(7)
    direct = []
    for _ in range(120):
        z = (mean + std * generator.standard_normal(mean.shape)).astype("float32")
        direct.append(np.mean(kl - reference.log_prob("bernoulli", IMAGES, apply(model.decoder, z))))
    error = np.sqrt(np.var(runs) / len(runs) + np.var(direct) / len(direct))
    assert np.std(runs) > 0
    assert abs(np.mean(runs) - np.mean(direct)) < 3 * error
    # The posterior mean is another, smaller number: the test can tell.
    at_mean = np.mean(kl - reference.log_prob("bernoulli", IMAGES, apply(model.decoder, mean.astype("float32"))))
    assert abs(np.mean(runs) - at_mean) > 5 * error
