"""The model's input stage: bytes to floats, and grey to zeros and ones."""

import keras
import numpy as np
import pytest
from keras import ops
from support.arrays import to_numpy
from support.small_models import BYTES, IMAGES, SHAPE, make_model, make_parts

import zoo
from zoo.autoencoder.model import AutoEncoder


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

    def test_fixed_draw_of_a_batch_is_the_same_for_the_same_image(self):
        model = make_model(binarization="dynamic")
        drawn = self.prepared(model, ops.convert_to_tensor(self.grey), draw="fixed")
        assert set(np.unique(drawn)) == {0.0, 1.0}
        np.testing.assert_array_equal(drawn, np.repeat(drawn[:1], len(drawn), axis=0))

    def test_fixed_draw_of_a_set_is_by_the_place_in_it(self):
        model = make_model(binarization="dynamic")
        drawn = self.prepared(model, self.grey, draw="fixed")
        thresholds = np.random.default_rng(model.seed).random(self.grey.shape, dtype="float32")
        np.testing.assert_array_equal(drawn, thresholds < self.grey)

    def test_dynamic_is_new_in_training_and_fixed_in_evaluation(self):
        model = make_model(binarization="dynamic")
        new = [self.prepared(model, self.grey, draw="new") for _ in "ab"]
        fixed = [self.prepared(model, self.grey, draw="fixed") for _ in "ab"]
        assert not np.array_equal(*new)
        np.testing.assert_array_equal(*fixed)
        # In the terms: z given, only the draw of the image is left.
        z = np.ones((12, 3), "float32")
        terms = [to_numpy(model.elbo_terms(IMAGES, z=z, training=training)[0]) for training in (1, 1, 0, 0)]
        assert not np.array_equal(terms[0], terms[1])
        np.testing.assert_array_equal(terms[2], terms[3])

    @pytest.mark.parametrize("binarization", ["threshold", "dynamic"])
    def test_reconstruct_thresholds(self, binarization):
        model = make_model(binarization=binarization)
        expected = make_model().reconstruct((BYTES >= 128).astype("float32"))
        for found in (model.reconstruct(BYTES), model.predict(BYTES, verbose=0), model(BYTES)):
            np.testing.assert_allclose(to_numpy(found), expected, atol=1e-6)

    def test_terms_are_those_of_the_binary_image(self):
        z = np.ones((12, 3), "float32")
        found = make_model(binarization="threshold").elbo_terms(BYTES, z=z)
        expected = make_model().elbo_terms((BYTES >= 128).astype("float32"), z=z)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(*to_numpy((one, other)), rtol=1e-6)

    def test_unknown_word_is_refused(self):
        with pytest.raises(ValueError, match="binarization is 'random': expected one of none, threshold, dynamic"):
            AutoEncoder(*make_parts(), binarization="random")


def test_every_way_of_scoring_a_set_draws_the_same_binary_images():
    """``evaluate``, validation and ``zoo.evaluate``: the KL divergence tells which images the encoder was shown."""
    model = zoo.create_model("small_cnn/mnist-binary", filters=[4], latent_dim=2, seed=0)
    images = zoo.load_dataset("mnist_sample", limit=32).test.images
    thresholds = np.random.default_rng(0).random(images.shape, dtype="float32")
    mean, std = model.encode((thresholds < images / np.float32(255)).astype("float32"))
    expected = np.sum((np.square(mean) + np.square(std) - 1) / 2 - np.log(std), axis=1).mean()
    model.compile(keras.optimizers.SGD(0.0))
    found = [
        model.evaluate(images, batch_size=7, verbose=0, return_dict=True)["kl_loss"],
        model.fit(images[:4], validation_data=images, verbose=0).history["val_kl_loss"][0],
        zoo.evaluate(model, images, seed=0)["kl"],
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_validation_split_is_binarised_like_validation_data():
    images = zoo.load_dataset("mnist_sample", limit=40).test.images
    histories = []
    for settings in ({"x": images, "validation_split": 0.25}, {"x": images[:30], "validation_data": images[30:]}):
        model = zoo.create_model("small_cnn/mnist-binary", filters=[4], latent_dim=2, seed=0)
        keras.utils.set_random_seed(0)
        histories.append(model.fit(**settings, batch_size=10, verbose=0).history["val_negative_elbo"])
    assert histories[0] == histories[1]


def test_dynamic_binarization_of_a_stream_is_of_the_image_not_of_the_batch():
    model = zoo.create_model("small_cnn/mnist-binary", filters=[4], latent_dim=2, seed=0)
    images = ops.convert_to_tensor(zoo.load_dataset("mnist_sample", limit=32).test.images)
    whole = np.asarray(model.prepare(images, draw="fixed"))
    for size in (1, 7):
        parts = [np.asarray(model.prepare(images[i : i + size], draw="fixed")) for i in range(0, 32, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    # Each pixel is one as often as its grey level says, and twins of one grey level differ between images.
    flat = np.full((400, 28, 28, 1), 0.3, "float32") + np.linspace(0, 0.01, 400, dtype="float32").reshape(-1, 1, 1, 1)
    drawn = np.asarray(model.prepare(ops.convert_to_tensor(flat), draw="fixed"))
    assert abs(drawn.mean() - flat.mean()) < 0.01
    assert np.abs(drawn.mean(axis=0) - flat.mean()).max() < 0.15
