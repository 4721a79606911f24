import json
import math

import keras
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import zoo
from zoo.evaluation import bounds


@pytest.fixture(scope="module")
def sample():
    return zoo.load_dataset("mnist_sample", limit=60)


def make(**options):
    return zoo.create_model("small_cnn", image_shape=(28, 28, 1), filters=[4], latent_dim=3, seed=0, **options)


@pytest.fixture(scope="module")
def model():
    return make()


@pytest.fixture(scope="module")
def scores(model, sample):
    return zoo.evaluate(model, sample.test)


def test_scores_are_json_and_carry_their_provenance(scores, sample):
    json.dumps(scores, allow_nan=False)
    assert scores["data"] == {"dataset": "mnist_sample", "part": "test", "sha256": sample.test.sha256, "images": 60}
    assert scores["likelihood"] == "discretized_logistic"
    assert scores["binarization"] == "none"
    assert scores["iwae"] is None


def test_bare_images_have_null_provenance(model, sample, scores):
    bare = zoo.evaluate(model, sample.test.images)
    assert bare["data"] == {"dataset": None, "part": None, "sha256": None, "images": 60}
    assert bare["negative_elbo"] == scores["negative_elbo"]
    as_float = zoo.evaluate(model, sample.test.images / np.float32(255))
    assert as_float["negative_elbo"] == pytest.approx(scores["negative_elbo"], rel=1e-6)


def test_terms_add_up(scores):
    assert scores["negative_elbo"] == pytest.approx(scores["reconstruction"] + scores["kl"])
    assert scores["bits_per_dim"] == pytest.approx(scores["negative_elbo"] / (784 * math.log(2)))


def test_kl_against_numpy(model, sample, scores):
    mean, std = (part.astype("float64") for part in model.encode(sample.test.images))
    kl = np.sum((mean**2 + std**2 - 1) / 2 - np.log(std), axis=1)
    assert scores["kl"] == pytest.approx(kl.mean(), rel=1e-5)


def test_seed_makes_scores_repeatable_and_leaves_the_model_as_it_was(model, sample):
    before = model.seed_generator.state.numpy().copy()
    first = zoo.evaluate(model, sample.test, seed=5)
    assert zoo.evaluate(model, sample.test, seed=5) == first
    assert zoo.evaluate(model, sample.test, seed=6)["negative_elbo"] != first["negative_elbo"]
    assert (model.seed_generator.state.numpy() == before).all()


def test_image_scores_against_scikit_image(model, sample, scores):
    images = sample.test.images / 255.0
    reconstructions = model.reconstruct(sample.test.images).astype("float64")
    pairs = list(zip(images, reconstructions, strict=True))
    psnr = [peak_signal_noise_ratio(a, b, data_range=1.0) for a, b in pairs]
    ssim = [structural_similarity(a, b, data_range=1.0, channel_axis=-1) for a, b in pairs]
    assert scores["psnr"] == pytest.approx(np.mean(psnr), abs=1e-4)
    assert scores["ssim"] == pytest.approx(np.mean(ssim), abs=1e-4)
    assert scores["mse"] == pytest.approx(np.mean((images - reconstructions) ** 2), rel=1e-5)


def test_image_scores_of_colour_against_scikit_image():
    split = zoo.load_dataset("cifar10_sample", limit=30).test
    model = zoo.create_model("small_cnn/cifar10", filters=[4], latent_dim=3, seed=0)
    scores = zoo.evaluate(model, split)
    pairs = list(zip(split.images / 255.0, model.reconstruct(split.images).astype("float64"), strict=True))
    psnr = [peak_signal_noise_ratio(a, b, data_range=1.0) for a, b in pairs]
    ssim = [structural_similarity(a, b, data_range=1.0, channel_axis=-1) for a, b in pairs]
    assert scores["psnr"] == pytest.approx(np.mean(psnr), abs=1e-4)
    assert scores["ssim"] == pytest.approx(np.mean(ssim), abs=1e-4)


def test_parameters(model, scores):
    assert scores["parameters"] == model.encoder.count_params() + model.decoder.count_params()


def make_known(means_of_first_pixel, shape=(4, 4, 1), likelihood="bernoulli"):
    """Make a model whose posterior means are so many times the first pixel, plus five; the deviations are one."""
    images = keras.Input(shape)
    flat = keras.layers.Flatten()(images)
    count, size = len(means_of_first_pixel), int(np.prod(shape))
    mean, log_std = keras.layers.Dense(count), keras.layers.Dense(count, activation="exponential")
    encoder = keras.Model(images, (mean(flat), log_std(flat)))
    kernel = np.zeros((size, count), "float32")
    kernel[0] = means_of_first_pixel
    mean.set_weights([kernel, np.full(count, 5, "float32")])
    log_std.set_weights([np.zeros((size, count)), np.zeros(count)])
    latents = keras.Input((count,))
    channels = zoo.likelihoods.get(likelihood).output_channels(shape[2])
    raw = keras.layers.Dense(shape[0] * shape[1] * channels)(latents)
    return zoo.AutoEncoder(encoder, keras.Model(latents, keras.layers.Reshape((*shape[:2], channels))(raw)), likelihood)


def test_active_units_are_those_whose_mean_varies_by_more_than_a_hundredth():
    # Pixels of 0 and 1 in equal numbers have a variance of 1/4; the constant 5 must not count.
    model = make_known([0.19, 0.21, 0.0, -2.0])
    images = np.zeros((40, 4, 4, 1), "float32")
    images[::2, 0, 0] = 1
    assert zoo.evaluate(model, images)["active_units"] == 2


@keras.saving.register_keras_serializable(package="test_evaluation")
class Uniform(zoo.likelihoods.Likelihood):
    """Every grey level is as likely as any other."""

    support = "bytes"

    def _log_prob(self, images, parameters):
        return keras.ops.full_like(images, -math.log(256))

    def mean(self, parameters):
        return keras.ops.full_like(parameters, 0.5)


@pytest.mark.parametrize("shape", [(8, 8, 1), (7, 9, 3)])
def test_uniform_noise_has_eight_bits_per_dimension(shape):
    images = np.random.default_rng(0).integers(0, 256, (30, *shape), np.uint8)
    model = make_known([0.0, 0.0], shape, Uniform())
    model.encoder.layers[2].set_weights([np.zeros((int(np.prod(shape)), 2)), np.zeros(2)])  # at the prior
    scores = zoo.evaluate(model, images, importance_samples=7)
    assert scores["kl"] == 0
    assert scores["bits_per_dim"] == pytest.approx(8, abs=1e-6)
    assert scores["iwae"]["nats"] == pytest.approx(np.prod(shape) * math.log(256), rel=1e-6)


@pytest.mark.parametrize("likelihood", ["discretized_logistic", "discretized_gaussian", "logistic_mixture"])
def test_no_likelihood_beats_eight_bits_on_uniform_noise(likelihood):
    images = np.random.default_rng(1).integers(0, 256, (20, 6, 5, 3), np.uint8)
    model = zoo.create_model("small_cnn", image_shape=(6, 5, 3), likelihood=likelihood, filters=[4], latent_dim=2)
    assert zoo.evaluate(model, images)["bits_per_dim"] > 8


def test_importance_weighted_bound_of_one_sample_is_the_elbo_with_sampled_kl(model, sample):
    images = np.repeat(sample.test.images[:20], 50, axis=0)
    reconstruction, kl = bounds.elbo_terms(model, images, seed=1)
    difference = bounds.importance_weighted_bound(model, images, 1, seed=2) - (reconstruction + kl.sum(axis=1))
    assert abs(difference.mean()) < 3 * difference.std(ddof=1) / np.sqrt(len(difference))


def test_importance_weighted_bound_falls_with_k(model, sample):
    images = sample.test.images[:20]
    few, many = (zoo.evaluate(model, images, importance_samples=k)["iwae"] for k in (1, 120))
    assert many["k"] == 120
    assert many["images"] == 20
    assert many["nats"] < few["nats"]


def test_bernoulli_on_grey_images_is_a_cross_entropy(sample):
    scores = zoo.evaluate(make(likelihood="bernoulli"), sample.test, importance_samples=5)
    for name in ("negative_elbo", "reconstruction", "bits_per_dim", "iwae"):
        assert scores[name] is None
    # An untrained decoder says one half nearly everywhere.
    assert scores["cross_entropy"] == pytest.approx(784 * math.log(2), rel=0.1)
    assert scores["kl"] > 0


def test_bernoulli_on_binary_images_is_a_likelihood(sample):
    binary = (sample.test.images > 127).astype("float32")
    scores = zoo.evaluate(make(likelihood="bernoulli"), binary)
    assert scores["cross_entropy"] is None
    assert scores["negative_elbo"] == pytest.approx(784 * math.log(2) + scores["kl"], rel=0.1)
    assert scores["bits_per_dim"] is None


def test_dynamic_binarization_is_drawn_from_the_seed(sample):
    model = zoo.create_model("small_cnn/mnist-binary", filters=[4], latent_dim=3, seed=0)
    first = zoo.evaluate(model, sample.test, seed=1)
    assert first["binarization"] == "dynamic"
    assert first["negative_elbo"] == zoo.evaluate(model, sample.test, seed=1)["negative_elbo"]
    assert first["negative_elbo"] != zoo.evaluate(model, sample.test, seed=2)["negative_elbo"]
    assert first["mse"] == zoo.evaluate(model, sample.test, seed=2)["mse"]


def test_plain_loss_has_no_likelihood_scores(sample):
    scores = zoo.evaluate(make(likelihood="mse"), sample.test, importance_samples=3)
    for name in ("negative_elbo", "reconstruction", "bits_per_dim", "iwae", "cross_entropy"):
        assert scores[name] is None
    assert scores["mse"] > 0


def test_perfect_reconstruction_has_no_finite_psnr(sample, monkeypatch):
    model = make()
    black = np.zeros((3, 28, 28, 1), "uint8")
    monkeypatch.setattr(model, "decode", lambda means: np.zeros((3, 28, 28, 1), "float32"))
    scores = zoo.evaluate(model, black)
    assert scores["psnr"] is None
    assert scores["ssim"] == pytest.approx(1.0)


def test_images_smaller_than_the_window_have_no_ssim():
    model = zoo.create_model("small_cnn", image_shape=(5, 6, 3), filters=[4], latent_dim=2)
    assert zoo.evaluate(model, np.random.default_rng(0).random((4, 5, 6, 3)))["ssim"] is None


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None, True])
def test_wrong_seed(model, sample, seed):
    with pytest.raises(ValueError, match=r"seed is .*: expected a whole number from 0 to 4,294,967,295"):
        zoo.evaluate(model, sample.test, seed=seed)


def test_numbers_of_numpy_give_json(model, sample):
    scores = zoo.evaluate(model, sample.test.limit(3), importance_samples=np.int64(3), seed=np.uint32(2))
    assert json.loads(json.dumps(scores)) == zoo.evaluate(model, sample.test.limit(3), importance_samples=3, seed=2)


def test_wrong_images(model):
    with pytest.raises(ValueError, match=r"got shape \(2, 32, 32, 3\); expected \(batch, 28, 28, 1\)"):
        zoo.evaluate(model, np.zeros((2, 32, 32, 3), "uint8"))


def test_scores_of_each_image_average_to_the_scores_and_repeat(model, sample):
    scores = zoo.evaluate(model, sample.test, importance_samples=3, per_image=True)
    images = scores["per_image"]
    json.dumps(scores, allow_nan=False)
    assert images["cross_entropy"] is None
    known = {key: values for key, values in images.items() if values is not None}
    assert known.keys() == {"negative_elbo", "reconstruction", "kl", "bits_per_dim", "mse", "psnr", "ssim", "iwae"}
    for key, values in known.items():
        assert len(values) == 60
        assert np.ptp(values) > 0
        expected = scores["iwae"]["nats"] if key == "iwae" else scores[key]
        assert np.mean(values) == pytest.approx(expected, rel=1e-6), key
    assert zoo.evaluate(model, sample.test, importance_samples=3, per_image=True)["per_image"] == images
    mean, std = (part.astype("float64") for part in model.encode(sample.test.images))
    np.testing.assert_allclose(images["kl"], np.sum((mean**2 + std**2 - 1) / 2 - np.log(std), axis=1), rtol=1e-4)
    assert "per_image" not in zoo.evaluate(model, sample.test)
