import keras
import numpy as np
import pytest
from scipy import special
from support.arrays import to_numpy
from support.small_models import BYTES, IMAGES, SHAPE, make_model, make_parts

from zoo.autoencoder.model import AutoEncoder
from zoo.layers import GaussianHead
from zoo.models import small_cnn


@pytest.fixture(scope="module")
def model():
    """A model of no use in training, shared by the tests that only look."""
    return make_model()


def test_the_four_steps():
    keras.utils.set_random_seed(0)
    encoder = small_cnn.build_encoder((28, 28, 1), latent_shape=(4,), filters=[4, 8])
    decoder = small_cnn.build_decoder((4,), (28, 28, 1), filters=[4, 8])
    autoencoder = AutoEncoder(encoder, decoder)
    autoencoder.compile(optimizer="adam", loss="bernoulli")
    stripes = (np.indices((28, 28))[0] % 4 < 2).astype("float32")[None, :, :, None].repeat(8, axis=0)
    losses = []
    for _ in range(10):
        autoencoder.reset_metrics()
        losses.append(float(autoencoder.train_step(stripes)["loss"]))
    assert losses[0] > 500  # nats of an image, not of a pixel
    assert losses[-1] < losses[0] - 1
    history = autoencoder.fit(stripes, epochs=20, batch_size=4, verbose=0).history
    assert history["loss"][-1] < 0.97 * losses[-1]
    assert int(autoencoder.optimizer.iterations) == 10 + 40


def test_the_three_ways_to_reconstruct_agree(model):
    once, twice = model.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0)
    np.testing.assert_array_equal(once, twice)
    np.testing.assert_allclose(to_numpy(model(IMAGES)), once, atol=1e-6)
    np.testing.assert_allclose(model.reconstruct(IMAGES), once, atol=1e-6)
    np.testing.assert_allclose(model.reconstruct(BYTES), once, atol=1e-6)
    np.testing.assert_allclose(to_numpy(model(BYTES)), once, atol=1e-6)
    assert once.shape == IMAGES.shape
    assert once.dtype == np.float32
    # Through the posterior mean, by hand.
    raw = to_numpy(model.decoder(model.encoder(IMAGES)[0])).astype("float64")
    np.testing.assert_allclose(once, special.expit(raw), atol=1e-6)


@pytest.mark.parametrize("count", [1, 129, 300])
def test_any_number_of_images_is_reconstructed(model, count):
    images = np.resize(IMAGES, (count, *SHAPE))
    np.testing.assert_allclose(model.reconstruct(images), to_numpy(model(images)), atol=1e-6)


def test_encode_gives_the_moments(model):
    mean, std = model.encode(BYTES)
    expected = to_numpy(model.encoder(IMAGES))
    np.testing.assert_allclose(mean, expected[0], atol=1e-6)
    np.testing.assert_allclose(std, expected[1], atol=1e-6)
    assert (std > 0).all()
    assert mean.dtype == std.dtype == np.float32


def test_decode_gives_the_mean_image(model):
    z = np.random.default_rng(0).normal(size=(5, 3))
    images = model.decode(z)
    raw = to_numpy(model.decoder(z.astype("float32"))).astype("float64")
    np.testing.assert_allclose(images, special.expit(raw), atol=1e-6)
    np.testing.assert_array_equal(images, model.decode(z))


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        (np.zeros((2, 4)), r"latents: got shape \(2, 4\); expected \(batch, 3\)"),
        (np.zeros(3), r"latents: got shape \(3,\); expected \(batch, 3\)"),
        (np.zeros((0, 3)), r"latents: got shape \(0, 3\); expected \(batch, 3\)"),
        (np.full((1, 3), np.nan), "NaN or infinite; expected finite ones"),
    ],
)
def test_decode_refuses_other_latents(model, latents, message):
    with pytest.raises(ValueError, match=message):
        model.decode(latents)


def test_sample_repeats_with_a_seed(model):
    images = model.sample(5, seed=3)
    assert images.shape == (5, *SHAPE)
    assert images.min() >= 0
    assert images.max() <= 1
    np.testing.assert_array_equal(images, model.sample(5, seed=3))
    assert not np.array_equal(images, model.sample(5, seed=4))
    assert not np.array_equal(model.sample(5), model.sample(5))
    for n in (0, -1, 2.5):
        with pytest.raises(ValueError, match="expected a whole number of at least 1"):
            model.sample(n)


def test_samples_come_from_the_prior():
    # A decoder that shows z itself, far from where the sigmoid saturates.
    latents = keras.Input((4, 4, 1))
    inputs = keras.Input((4, 4, 1))
    encoder = keras.Model(inputs, GaussianHead((4, 4, 1))(inputs))
    model = AutoEncoder(encoder, keras.Model(latents, keras.layers.Rescaling(1.0)(latents)))
    z = special.logit(model.sample(500, seed=1).astype("float64"))
    assert abs(z.mean()) < 0.05
    assert abs(z.std() - 1) < 0.05


def test_interpolation_goes_from_one_reconstruction_to_the_other(model):
    path = model.interpolate(BYTES[0], BYTES[1], steps=5)
    assert path.shape == (5, *SHAPE)
    ends = model.reconstruct(BYTES[:2])
    np.testing.assert_allclose(path[[0, -1]], ends, atol=1e-6)
    mean = model.encode(BYTES[:2])[0]
    np.testing.assert_allclose(path[2:3], model.decode(mean.mean(axis=0, keepdims=True)), atol=1e-5)
    np.testing.assert_array_equal(path, model.interpolate(BYTES[0], BYTES[1], steps=5))
    paths = model.interpolate(IMAGES[:3], IMAGES[3:6], steps=4)
    assert paths.shape == (3, 4, *SHAPE)
    np.testing.assert_allclose(paths[1], model.interpolate(IMAGES[1], IMAGES[4], steps=4), atol=1e-6)
    with pytest.raises(ValueError, match=r"steps is 1: expected a whole number of at least 2"):
        model.interpolate(IMAGES[0], IMAGES[1], steps=1)
    with pytest.raises(ValueError, match=r"got shapes \(8, 8, 1\) and \(2, 8, 8, 1\); expected equal ones"):
        model.interpolate(IMAGES[0], IMAGES[:2])


def test_spatial_latents_encode_decode_and_interpolate():
    model = make_model(latent=(4, 4, 2))
    assert [part.shape for part in model.encode(IMAGES)] == [(12, 4, 4, 2)] * 2
    assert model.sample(2, seed=0).shape == (2, *SHAPE)
    assert model.interpolate(IMAGES[0], IMAGES[1], 3).shape == (3, *SHAPE)
    with pytest.raises(ValueError, match=r"expected \(batch, 4, 4, 2\)"):
        model.decode(np.zeros((2, 32)))


@pytest.mark.parametrize("likelihood", ["discretized_gaussian", "discretized_logistic"])
def test_a_decoder_with_two_parameters_per_value_reconstructs_images(likelihood):
    model = make_model(likelihood, channels=6, image_channels=3)
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    found = model.predict(images, verbose=0)
    assert found.shape == (4, 8, 8, 3)
    np.testing.assert_allclose(model.reconstruct(images), found, atol=1e-6)
    assert np.isfinite(model.evaluate(images, verbose=0)).all()


def dense_encoder(outputs, latent=3):
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    tensors = [keras.layers.Dense(latent)(features) for _ in range(outputs)]
    return keras.Model(inputs, tensors[0] if outputs == 1 else tensors)


class NoInputs(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"encoder": dense_encoder(3)},
            r"encoder's output is .*: expected two tensors \(mean, std\), as from zoo\.layers\.GaussianHead",
        ),
        ({"encoder": dense_encoder(1)}, r"encoder's output is \(None, 3\): expected two tensors \(mean, std\)"),
        ({"encoder": dense_encoder(2, 5)}, r"mean \(5,\) and std \(5,\), the decoder takes \(3,\): expected equal"),
        ({"encoder": NoInputs()}, "encoder is .*: expected a built functional or Sequential keras.Model"),
        ({"decoder": GaussianHead(3)}, "decoder is .*: expected a built functional or Sequential keras.Model"),
        (
            {"likelihood": "discretized_logistic"},
            r"decoder outputs \(8, 8, 1\); discretized_logistic of images \(8, 8, 1\) needs \(8, 8, 2\): build it with "
            r"build_decoder\(\(3,\), \(8, 8, 2\)\)",
        ),
    ],
    ids=["three outputs", "one output", "latents", "no inputs", "a layer", "channels"],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    encoder, decoder = make_parts()
    with pytest.raises(ValueError, match=message):
        AutoEncoder(**{"encoder": encoder, "decoder": decoder, **change})
