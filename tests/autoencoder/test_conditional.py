"""Models of p(x|y), against one whose decoder is a table of images by label: all bounds are then exact."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from support.image_streams import Batches, in_turn

import zoo
from zoo.autoencoder.checks.labels import check_labels

CLASSES, SHAPE, COUNT = 4, (5, 6, 1), 300
random = np.random.default_rng(0)
LOGITS = random.normal(size=(CLASSES, 30)).astype("float32")
LABELS = random.integers(0, CLASSES, COUNT)
IMAGES = random.integers(0, 2, (COUNT, *SHAPE)).astype("float32")
PIXELS = IMAGES.reshape(COUNT, -1)
COSTS = np.log1p(np.exp((1 - 2 * PIXELS) * LOGITS[LABELS].astype("float64"))).sum(axis=1)


def make_model(**settings):
    """z does not count: the posterior is the prior, and a label decides all pixels."""
    images, labels = keras.Input(SHAPE), keras.Input((), dtype="int32")
    none = layers.Rescaling(0.0)(layers.Dense(2)(layers.Flatten()(images)))
    encoder = keras.Model([images, labels], [none, layers.Rescaling(1.0, offset=1.0)(none)])
    z, labels = keras.Input((2,)), keras.Input((), dtype="int32")
    table = layers.Embedding(CLASSES, 30)
    pixels = layers.Add()([table(labels), layers.Rescaling(0.0)(layers.Dense(30)(z))])
    decoder = keras.Model([z, labels], layers.Reshape(SHAPE)(pixels))
    table.set_weights([LOGITS])
    model = zoo.ConditionalAutoEncoder(encoder, decoder, classes=CLASSES, seed=1)
    model.compile(keras.optimizers.SGD(0.0), **settings)
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


def expected_images(labels):
    return 1 / (1 + np.exp(-LOGITS[labels].reshape(-1, *SHAPE)))


def test_bounds_are_those_of_the_label(model):
    reconstruction, kl = map(ops.convert_to_numpy, model.elbo_terms((IMAGES, LABELS)))
    np.testing.assert_allclose(reconstruction, COSTS, rtol=1e-5)
    np.testing.assert_allclose(kl, 0.0, atol=1e-5)
    weights = ops.convert_to_numpy(model.log_weights((IMAGES[:9], LABELS[:9]), 3, seed=0))
    np.testing.assert_allclose(weights, np.broadcast_to(-COSTS[:9], (3, 9)), rtol=1e-5)


def test_scores_are_those_of_the_label(model):
    scores = zoo.evaluate(model, (IMAGES, LABELS), importance_samples=3, per_image=True)
    for name in ("negative_elbo", "iwae"):
        np.testing.assert_allclose(scores["per_image"][name], COSTS, rtol=1e-5)
    errors = np.square(IMAGES - expected_images(LABELS)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(scores["per_image"]["mse"], errors, rtol=1e-4)
    assert scores["conditional"] is True
    found = zoo.anomaly_scores(model, (IMAGES, LABELS), ["negative_elbo", "likelihood_regret"], steps=2)
    np.testing.assert_allclose(found["negative_elbo"], COSTS, rtol=1e-5)
    assert np.abs(found["likelihood_regret"]).max() < 1e-2


def test_images_are_those_of_the_label(model):
    images = expected_images(LABELS)
    np.testing.assert_allclose(model.reconstruct(IMAGES, labels=LABELS), images, atol=1e-6)
    np.testing.assert_allclose(model.predict((IMAGES, LABELS), verbose=0), images, atol=1e-6)
    np.testing.assert_allclose(model.sample(COUNT, seed=0, labels=LABELS), images, atol=1e-6)
    np.testing.assert_allclose(model.sample(3, labels=2), expected_images([2, 2, 2]), atol=1e-6)
    np.testing.assert_allclose(model.decode(np.zeros((2, 2)), labels=[3, 0]), expected_images([3, 0]), atol=1e-6)
    path = model.interpolate(IMAGES[:2], IMAGES[2:4], 3, labels=[1, 3])
    np.testing.assert_allclose(path, expected_images([1, 1, 1, 3, 3, 3]).reshape(2, 3, *SHAPE), atol=1e-6)
    split = zoo.Split((255 * IMAGES).astype("uint8"), LABELS, "made", "test")
    np.testing.assert_allclose(model.reconstruct(split), images, atol=1e-6)


def batches():
    return [(IMAGES[start : start + 50], LABELS[start : start + 50]) for start in range(0, COUNT, 50)]


STREAMS = {
    "arrays": lambda: (IMAGES, LABELS),
    "split": lambda: zoo.Split((255 * IMAGES).astype("uint8"), LABELS, "made", "train"),
    "generator": lambda: in_turn(*batches()),
    "PyDataset": lambda: Batches(*batches()),
    "tf.data": lambda: tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(50),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_labels_stay_with_their_images(model, kind):
    data = STREAMS[kind]()  # Arrays are shuffled; with a learning rate of 0 the model stays as it is.
    steps = 6 if kind == "generator" else None
    shown = (IMAGES[:70], LABELS[:70])
    history = model.fit(data, epochs=1, steps_per_epoch=steps, verbose=0, validation_data=shown).history
    assert history["negative_elbo"][0] == pytest.approx(COSTS.mean(), rel=1e-5)
    assert history["val_negative_elbo"][0] == pytest.approx(COSTS[:70].mean(), rel=1e-5)
    evaluated = model.evaluate(STREAMS[kind](), steps=steps, verbose=0, return_dict=True)
    assert evaluated["negative_elbo"] == pytest.approx(COSTS.mean(), rel=1e-5)
    predicted = model.predict(STREAMS[kind](), steps=steps, verbose=0)
    np.testing.assert_allclose(predicted, expected_images(LABELS), atol=1e-6)


def test_metrics_compare_with_reconstructions():
    model = make_model(metrics=["mse"])
    logs = model.fit(Batches(*batches()), epochs=1, verbose=0).history
    assert logs["mse"][0] == pytest.approx(np.square(IMAGES - expected_images(LABELS)).mean(), rel=1e-3)


def test_loaders_of_pytorch():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(LABELS))
    loader, model = torch.utils.data.DataLoader(data, batch_size=50), make_model(metrics=["mse"])
    logs = model.fit(loader, epochs=1, verbose=0).history
    assert logs["negative_elbo"][0] == pytest.approx(COSTS.mean(), rel=1e-5)
    assert logs["mse"][0] == pytest.approx(np.square(IMAGES - expected_images(LABELS)).mean(), rel=1e-3)
    np.testing.assert_allclose(model.predict(loader, verbose=0), expected_images(LABELS), atol=1e-6)


def test_single_steps(model):
    batch = IMAGES[:9], LABELS[:9]
    for step in (model.train_on_batch, model.test_on_batch):
        assert step(batch, return_dict=True)["loss"] == pytest.approx(COSTS[:9].mean(), rel=1e-5)
    assert float(model.train_step(batch)["loss"]) > 0


def test_the_last_images_are_for_validation():
    logs = make_model().fit((IMAGES, LABELS), epochs=1, verbose=0, validation_split=0.1).history
    assert logs["val_negative_elbo"][0] == pytest.approx(COSTS[270:].mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "labels: got none; expected whole numbers from 0 to 3, one for each, since the model is conditional"),
        ([0, 1], "got 2 labels for 300"),
        (LABELS - 1, "got -1 to 2; expected whole numbers from 0 to 3"),
        (LABELS + 1, "got 1 to 4; expected whole numbers from 0 to 3"),
        (LABELS / 1.0, "got float64; expected .*astype"),
        (np.eye(CLASSES)[LABELS], "of one-hot vectors, pass labels.argmax"),
        (np.array(["cat"] * COUNT), "got <U3; expected whole numbers"),
    ],
)
def test_other_labels_are_refused(model, labels, message):
    with pytest.raises(ValueError, match=message):
        model.reconstruct(IMAGES, labels=labels)
    for method in (model.fit, model.evaluate, model.predict, model.train_on_batch, model.predict_on_batch):
        with pytest.raises(ValueError, match=message):
            method(IMAGES if labels is None else (IMAGES, labels))


def test_streams_without_labels_or_with_others_are_refused(model):
    with pytest.raises(
        ValueError, match=r"images \(first batch\): got a batch of images alone; expected \(images, lab"
    ):
        model.fit(Batches(IMAGES), verbose=0)
    with pytest.raises(ValueError, match=r"labels \(first batch\): got 4 to 4; expected whole numbers from 0 to 3"):
        model.fit(Batches((IMAGES[:2], np.array([4, 4]))), verbose=0)
    later = IMAGES[:50], LABELS[:50] + 9
    in_pipeline = STREAMS["tf.data"]().concatenate(tf.data.Dataset.from_tensor_slices(later).batch(50))
    for stream in (Batches(batches()[0], later), in_pipeline):
        with pytest.raises(ValueError, match=r"labels \(a later batch\): got 9 to 12; expected whole numbers from 0"):
            model.fit(stream, verbose=0)


def test_labels_are_given_once(model):
    with pytest.raises(ValueError, match="got them with the images, and once more"):
        model.encode((IMAGES, LABELS), labels=LABELS)
    with pytest.raises(ValueError, match=r"y: got labels or targets; expected none: pass \(images, labels\) as x"):
        model.fit(IMAGES, LABELS)
    with pytest.raises(ValueError, match=r"images: got images alone; expected \(images, labels\)"):
        model.elbo_terms(IMAGES)


def test_models_without_labels_refuse_them():
    plain = zoo.create_model("small_cnn", image_shape=(8, 8, 1), filters=[4], latent_dim=2)
    image = np.zeros((1, 8, 8, 1), "float32")
    for call in (
        lambda: plain.reconstruct(image, labels=[0]), lambda: plain.encode(image, labels=[0]),
        lambda: plain.decode(np.zeros((1, 2)), labels=[0]), lambda: plain.sample(1, labels=[0]),
        lambda: plain.interpolate(image, image, labels=[0]),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="got labels; expected none, since the model is not conditional"):
            call()


def test_parts_that_take_no_labels_are_refused():
    plain = zoo.create_model("small_cnn", image_shape=(8, 8, 1), filters=[4], latent_dim=2)
    with pytest.raises(ValueError, match=r"the encoder's inputs are .*: expected images .* and labels \(batch,\)"):
        zoo.ConditionalAutoEncoder(plain.encoder, plain.decoder, classes=3)
    with pytest.raises(ValueError, match="classes is 1: expected a whole number of at least 2"):
        zoo.ConditionalAutoEncoder(make_model().encoder, make_model().decoder, classes=1)


def test_one_label_for_all():
    assert check_labels(2, 3, CLASSES).tolist() == [2, 2, 2]


def test_saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = zoo.load_model(tmp_path / "model.keras")
    assert (type(again), again.classes) == (zoo.ConditionalAutoEncoder, CLASSES)
    np.testing.assert_array_equal(again.reconstruct(IMAGES, LABELS), model.reconstruct(IMAGES, LABELS))
