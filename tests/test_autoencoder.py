import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy import special

from zoo.autoencoder import AutoEncoder
from zoo.layers import GaussianHead
from zoo.likelihoods import DiscretizedLogistic
from zoo.models import small_cnn
from zoo.schedules import LinearWarmUp

SHAPE = (8, 8, 1)
random = np.random.default_rng(0)
BYTES = random.integers(0, 256, (12, *SHAPE), np.uint8)
IMAGES = (BYTES / 255).astype("float32")


def make_parts(channels=1, image_channels=1, latent=3):
    keras.utils.set_random_seed(0)
    encoder = small_cnn.build_encoder((8, 8, image_channels), latent_shape=latent, filters=[4])
    return encoder, small_cnn.build_decoder(latent, (8, 8, channels), filters=[4])


def make_model(likelihood="bernoulli", binarization="none", channels=1, image_channels=1, latent=3, **settings):
    parts = make_parts(channels, image_channels, latent)
    model = AutoEncoder(*parts, likelihood, binarization, seed=1)
    model.compile(**settings)
    return model


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
    np.testing.assert_allclose(model(IMAGES), once, atol=1e-6)
    np.testing.assert_allclose(model.reconstruct(IMAGES), once, atol=1e-6)
    np.testing.assert_allclose(model.reconstruct(BYTES), once, atol=1e-6)
    np.testing.assert_allclose(model(BYTES), once, atol=1e-6)
    assert once.shape == IMAGES.shape
    assert once.dtype == np.float32
    # Through the posterior mean, by hand.
    raw = np.asarray(model.decoder(model.encoder(IMAGES)[0]), "float64")
    np.testing.assert_allclose(once, special.expit(raw), atol=1e-6)


@pytest.mark.parametrize("count", [1, 129, 300])
def test_any_number_of_images_is_reconstructed(model, count):
    images = np.resize(IMAGES, (count, *SHAPE))
    np.testing.assert_allclose(model.reconstruct(images), model(images), atol=1e-6)


def test_encode_gives_the_moments(model):
    mean, std = model.encode(BYTES)
    expected = model.encoder(IMAGES)
    np.testing.assert_allclose(mean, expected[0], atol=1e-6)
    np.testing.assert_allclose(std, expected[1], atol=1e-6)
    assert (std > 0).all()
    assert mean.dtype == std.dtype == np.float32


def test_decode_gives_the_mean_image(model):
    z = random.normal(size=(5, 3))
    images = model.decode(z)
    raw = np.asarray(model.decoder(z.astype("float32")), "float64")
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
    images = random.integers(0, 256, (4, 8, 8, 3), np.uint8)
    found = model.predict(images, verbose=0)
    assert found.shape == (4, 8, 8, 3)
    np.testing.assert_allclose(model.reconstruct(images), found, atol=1e-6)
    assert np.isfinite(model.evaluate(images, verbose=0)).all()


class TestBinarization:
    grey = np.linspace(0, 1, 64, dtype="float32").reshape(1, *SHAPE).repeat(2000, axis=0)

    def prepared(self, model, images, **settings):
        return np.asarray(model.prepare(images, **settings))

    def test_none_rescales_alone(self):
        model = make_model()
        np.testing.assert_allclose(self.prepared(model, BYTES), IMAGES, atol=1e-7)
        np.testing.assert_array_equal(self.prepared(model, self.grey), self.grey)

    def test_threshold_cuts_at_one_half_always(self):
        model = make_model(binarization="threshold")
        for draw in ("new", "fixed", "threshold"):
            found = self.prepared(model, BYTES, draw=draw)
            np.testing.assert_array_equal(found, BYTES >= 128)
        np.testing.assert_array_equal(self.prepared(model, np.full((1, *SHAPE), 0.5)), 1.0)

    def test_dynamic_draws_with_the_grey_level_as_probability(self):
        model = make_model(binarization="dynamic")
        drawn = self.prepared(model, self.grey, draw="new")
        assert set(np.unique(drawn)) == {0.0, 1.0}
        error = np.sqrt(self.grey[0] * (1 - self.grey[0]) / 2000)
        assert (np.abs(drawn.mean(axis=0) - self.grey[0]) <= 4.5 * error).all()

    def test_fixed_draw_is_the_same_for_the_same_image(self):
        model = make_model(binarization="dynamic")
        drawn = self.prepared(model, self.grey, draw="fixed")
        assert set(np.unique(drawn)) == {0.0, 1.0}
        np.testing.assert_array_equal(drawn, np.repeat(drawn[:1], len(drawn), axis=0))

    def test_dynamic_is_new_in_training_and_fixed_in_evaluation(self):
        model = make_model(binarization="dynamic")
        new = [self.prepared(model, self.grey, draw="new") for _ in "ab"]
        fixed = [self.prepared(model, self.grey, draw="fixed") for _ in "ab"]
        assert not np.array_equal(*new)
        np.testing.assert_array_equal(*fixed)
        # In the terms: z given, only the draw of the image is left.
        z = np.ones((12, 3), "float32")
        terms = [np.asarray(model.elbo_terms(IMAGES, z=z, training=training)[0]) for training in (1, 1, 0, 0)]
        assert not np.array_equal(terms[0], terms[1])
        np.testing.assert_array_equal(terms[2], terms[3])

    @pytest.mark.parametrize("binarization", ["threshold", "dynamic"])
    def test_reconstruct_thresholds(self, binarization):
        model = make_model(binarization=binarization)
        expected = make_model().reconstruct((BYTES >= 128).astype("float32"))
        for found in (model.reconstruct(BYTES), model.predict(BYTES, verbose=0), model(BYTES)):
            np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_terms_are_those_of_the_binary_image(self):
        z = np.ones((12, 3), "float32")
        found = make_model(binarization="threshold").elbo_terms(BYTES, z=z)
        expected = make_model().elbo_terms((BYTES >= 128).astype("float32"), z=z)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)

    def test_unknown_word_is_refused(self):
        with pytest.raises(ValueError, match="binarization is 'random': expected one of none, threshold, dynamic"):
            AutoEncoder(*make_parts(), binarization="random")


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
        ({"encoder": dense_encoder(3)}, r"encoder's output is .*: expected two tensors \(mean, std\); .*GaussianHead"),
        ({"encoder": dense_encoder(1)}, r"encoder's output is \(None, 3\): expected two tensors \(mean, std\)"),
        ({"encoder": dense_encoder(2, 5)}, r"mean \(5,\) and std \(5,\), the decoder takes \(3,\): expected equal"),
        ({"encoder": NoInputs()}, "encoder is .*: expected a built functional or Sequential keras.Model"),
        ({"decoder": GaussianHead(3)}, "decoder is .*: expected a built functional or Sequential keras.Model"),
        (
            {"likelihood": "discretized_logistic"},
            r"decoder gives \(8, 8, 1\); discretized_logistic of images \(8, 8, 1\) needs \(8, 8, 2\): build it with "
            r"build_decoder\(\(3,\), \(8, 8, 2\)\)",
        ),
    ],
    ids=["three outputs", "one output", "latents", "no inputs", "a layer", "channels"],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    encoder, decoder = make_parts()
    with pytest.raises(ValueError, match=message):
        AutoEncoder(**{"encoder": encoder, "decoder": decoder, **change})


def test_loss_in_compile_replaces_the_likelihood():
    model = make_model("discretized_logistic", channels=2)
    model.compile(loss="discretized_gaussian")
    assert model.likelihood.identifier == "discretized_gaussian"
    model.compile()
    assert model.likelihood.identifier == "discretized_gaussian"
    with pytest.raises(ValueError, match=r"bernoulli .* needs \(8, 8, 1\): build it with build_decoder"):
        model.compile(loss="bernoulli")


@pytest.mark.parametrize("value", [-0.1, float("nan"), "much"])
def test_free_bits_must_be_a_number(model, value):
    with pytest.raises(ValueError, match=r"free_bits is .*: expected a finite number of at least 0"):
        model.compile(free_bits=value)


@pytest.mark.parametrize("argument", ["loss_weights", "weighted_metrics"])
def test_compile_refuses_what_it_cannot_mean(model, argument):
    with pytest.raises(ValueError, match=f"{argument} is given: expected none"):
        model.compile(**{argument: [1.0]})


def test_train_step_needs_compile():
    with pytest.raises(ValueError, match=r"not compiled: call compile\(optimizer, loss\) before train_step"):
        AutoEncoder(*make_parts()).train_step(IMAGES)


def test_train_step_ignores_labels():
    losses = []
    for batch in (IMAGES, (IMAGES, np.arange(12)), [IMAGES, np.arange(12)]):
        losses.append(float(make_model().train_step(batch)["loss"]))
    assert losses[0] == losses[1] == losses[2]


def test_metrics_compare_images_with_reconstructions():
    model = make_model(metrics=["mse", keras.metrics.MeanAbsoluteError(name="mae")])
    logs = model.evaluate(BYTES, batch_size=5, verbose=0, return_dict=True)
    difference = model.reconstruct(BYTES).astype("float64") - IMAGES
    np.testing.assert_allclose(logs["mse"], np.mean(difference**2), rtol=1e-5)
    np.testing.assert_allclose(logs["mae"], np.mean(np.abs(difference)), rtol=1e-5)
    model.compile(keras.optimizers.SGD(0.0), metrics=["mse"])
    logs = model.fit(BYTES, verbose=0).history
    np.testing.assert_allclose(logs["mse"][0], np.mean(difference**2), rtol=1e-5)
    assert "mae" not in logs  # the earlier compile's


def test_the_same_seed_trains_the_same():
    histories = [make_model().fit(IMAGES, epochs=2, batch_size=4, verbose=0).history for _ in "ab"]
    assert histories[0] == histories[1]


LOAD = """
import sys
import keras, numpy as np
import zoo.autoencoder, zoo.layers
model = keras.saving.load_model(sys.argv[1])
images = np.load(sys.argv[2])
before = model.predict(images, verbose=0)
settings = dict(
    iterations=int(model.optimizer.iterations), learning_rate=float(model.optimizer.learning_rate),
    optimizer=type(model.optimizer).__name__, likelihood=model.likelihood.identifier, free_bits=model.free_bits,
    schedule=type(model.kl_schedule).__name__, final=model.kl_schedule.final, kl_weight=model.kl_weight,
    binarization=model.binarization, jit_compile=str(model.get_compile_config()["jit_compile"]), seed=model.seed,
)
slots = [np.array(variable) for variable in model.optimizer.variables]
model.train_step(images)
np.savez(
    sys.argv[3], before=before, slots=np.concatenate([np.ravel(slot) for slot in slots]),
    after=model.predict(images, verbose=0), iterations=int(model.optimizer.iterations),
    settings=np.array(repr(settings)),
)
"""


def test_another_process_goes_on_where_this_one_stopped(tmp_path):
    parts = make_parts(channels=2)
    model = AutoEncoder(*parts, "discretized_gaussian", "dynamic", seed=5)
    model.compile(keras.optimizers.Adam(0.02), "discretized_logistic", LinearWarmUp(10, end=0.5), 0.25, metrics=["mse"])
    for _ in range(3):
        model.train_step(IMAGES)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", IMAGES)
    paths = [str(tmp_path / name) for name in ("model.keras", "images.npy", "out.npz")]
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", LOAD, *paths], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    other = np.load(paths[2])
    assert eval(str(other["settings"])) == {
        "iterations": 3, "learning_rate": pytest.approx(0.02), "optimizer": "Adam", "free_bits": 0.25,
        "likelihood": "discretized_logistic", "schedule": "LinearWarmUp", "final": 0.5,
        "kl_weight": pytest.approx(0.15), "binarization": "dynamic", "jit_compile": "auto", "seed": 5,
    }  # fmt: skip
    np.testing.assert_allclose(other["before"], model.predict(IMAGES, verbose=0), atol=1e-6)
    slots = np.concatenate([np.ravel(np.array(variable)) for variable in model.optimizer.variables])
    np.testing.assert_allclose(other["slots"], slots, rtol=1e-6)
    assert np.abs(slots).max() > 0
    # The next step is the same here and there: same weights, slots and KL weight. Draws begin anew from the seed.
    model.seed_generator.state.assign(keras.random.SeedGenerator(5).state)
    model.train_step(IMAGES)
    np.testing.assert_allclose(other["after"], model.predict(IMAGES, verbose=0), atol=1e-5)
    assert not np.allclose(other["after"], other["before"], atol=1e-3)


def test_a_file_keeps_the_likelihood_without_compiling(tmp_path):
    model = make_model("discretized_logistic", "threshold", channels=2, loss="discretized_gaussian")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert again.likelihood.identifier == "discretized_gaussian"
    assert again.get_compile_config() is None
    np.testing.assert_allclose(again.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0), atol=1e-6)


@pytest.mark.parametrize("jit_compile", [True, False, "auto"])
def test_jit_compile_is_kept_as_it_was_asked_for(tmp_path, jit_compile):
    model = make_model(jit_compile=jit_compile)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_compile_config()["jit_compile"] == jit_compile
    assert again.jit_compile == model.jit_compile


def test_an_uncompiled_model_survives_a_file(tmp_path):
    model = AutoEncoder(*make_parts(channels=2), DiscretizedLogistic())
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert not again.compiled
    np.testing.assert_allclose(again.reconstruct(IMAGES), model.reconstruct(IMAGES), atol=1e-6)


def test_a_keras_loss_survives_a_file(tmp_path):
    model = make_model(loss=keras.losses.BinaryCrossentropy(label_smoothing=0.2))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    z = np.ones((12, 3), "float32")
    np.testing.assert_allclose(again.elbo_terms(IMAGES, z=z)[0], model.elbo_terms(IMAGES, z=z)[0], rtol=1e-6)


def test_weights_alone_survive_a_file(tmp_path):
    model, other = make_model(), make_model()
    model.fit(IMAGES, verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0))
