import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.autoencoder import AutoEncoder
from zoo.data.dataset import Split
from zoo.inputs import check_images
from zoo.models import small_cnn

SHAPE = (8, 8, 1)
EXPECTED = r"expected uint8 in 0\.\.255 or float in \[0, 1\]"
random = np.random.default_rng(0)
GREY = random.uniform(size=(6, *SHAPE)).astype("float32")
BYTES = random.integers(0, 256, (6, *SHAPE), np.uint8)
LABELS = np.arange(6)


def with_value(value):
    images = GREY.copy()
    images[2, 3, 4] = value
    return images


BAD = {
    "bytes as float": (BYTES.astype("float32"), rf"got float32 from .* to .*{EXPECTED}: divide by 255"),
    "negative": (GREY - 0.5, rf"got float32 from -0\..* to .*{EXPECTED}: np.clip"),
    "slightly above one": (with_value(1.001), rf"got float32 from .* to 1\.001\d*; {EXPECTED}: np.clip"),
    "binary as bytes": (BYTES % 2, rf"got uint8 that holds only 0 and 1; {EXPECTED}.*images \* 255"),
    "nan": (with_value(np.nan), rf"got 1 values that are NaN or infinite; {EXPECTED}"),
    "infinite": (with_value(-np.inf), rf"got 1 values that are NaN or infinite; {EXPECTED}"),
    "int64": (BYTES.astype("int64"), rf"got int64; {EXPECTED}: .*astype\('uint8'\)"),
    "int64 below zero": (
        BYTES.astype("int64") - 9,
        rf"got int64; {EXPECTED}: .*\(here -9 to ",
    ),
    "uint16": (BYTES.astype("uint16") * 257, rf"got uint16; {EXPECTED}: use \(images / 65535\)\.astype\('float32'\)"),
    "text": (GREY.astype("U4"), rf"got .*; {EXPECTED}: use an array of numbers"),
    "bool": (GREY > 0.5, rf"got bool; {EXPECTED}: use images.astype\('float32'\)"),
    "channels": (GREY.repeat(3, axis=-1), r"got shape \(6, 8, 8, 3\); expected \(batch, 8, 8, 1\)"),
    "size": (GREY[:, :7], r"got shape \(6, 7, 8, 1\); expected \(batch, 8, 8, 1\)"),
    "no channel axis": (GREY[..., 0], r"got shape \(6, 8, 8\); expected \(batch, 8, 8, 1\): .*images\[\.\.\., None\]"),
    "one image": (GREY[0], r"got shape \(8, 8, 1\); expected \(batch, 8, 8, 1\): .*images\[None\]"),
    "empty": (GREY[:0], r"got an empty set, shape \(0, 8, 8, 1\); expected at least one image"),
}


class Batches(keras.utils.PyDataset):
    """Some batches, as a ``PyDataset``."""

    def __init__(self, *batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def in_turn(*batches):
    yield from batches


SOURCES = {
    "array": lambda images: images,
    "tensor": tf.constant,
    "tf.data": lambda images: tf.data.Dataset.from_tensors(images),
    "tf.data with labels": lambda images: tf.data.Dataset.from_tensors((images, 1)),
    "generator": in_turn,
    "generator with labels": lambda images: in_turn((images, LABELS)),
    "PyDataset": Batches,
    "PyDataset with labels": lambda images: Batches((images, LABELS)),
}

ROUTES = {
    "fit": lambda model, source: model.fit(source, verbose=0),
    "validation_data": lambda model, source: model.fit(GREY, validation_data=source, verbose=0),
    "evaluate": lambda model, source: model.evaluate(source, verbose=0),
    "predict": lambda model, source: model.predict(source, verbose=0),
}


def make_model(**settings):
    keras.utils.set_random_seed(0)
    encoder = small_cnn.build_encoder(SHAPE, latent_shape=3, filters=[4, 8])
    decoder = small_cnn.build_decoder(3, SHAPE, filters=[4, 8])
    model = AutoEncoder(encoder, decoder, seed=1)
    model.compile(**settings)
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture
def untouched(model):
    """Check after the test that nothing of the model has moved and that no step was counted."""
    weights = [np.array(weight) for weight in model.get_weights()]
    steps, iterations = float(model.kl_step), int(model.optimizer.iterations)
    yield model
    assert (float(model.kl_step), int(model.optimizer.iterations)) == (steps, iterations)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("case", BAD)
def test_bad_images_are_refused_before_training(untouched, case, source, route):
    images, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        ROUTES[route](untouched, SOURCES[source](images))


@pytest.mark.parametrize("case", BAD)
def test_bad_images_are_refused_by_everything_else(untouched, case):
    images, message = BAD[case]
    for use in (untouched.train_step, untouched.test_step, untouched.reconstruct, untouched.encode):
        with pytest.raises(ValueError, match=message):
            use(images)


def test_message_names_the_argument(untouched):
    with pytest.raises(ValueError, match=r"^validation_data: got int64"):
        untouched.fit(GREY, validation_data=BYTES.astype("int64"))
    with pytest.raises(ValueError, match=r"^images \(first batch\): got int64"):
        untouched.fit(in_turn(BYTES.astype("int64")))


@pytest.mark.parametrize(
    "stream",
    [
        lambda: tf.data.Dataset.from_tensor_slices(GREY[:0]).batch(2),
        lambda: in_turn(),
        lambda: Batches(),
    ],
    ids=["tf.data", "generator", "PyDataset"],
)
@pytest.mark.parametrize("route", ROUTES)
def test_a_stream_without_a_batch_is_refused(untouched, stream, route):
    with pytest.raises(ValueError, match="got a stream without a batch; expected at least one image"):
        ROUTES[route](untouched, stream())


TARGETS = r"got targets; expected none, since an autoencoder's target is its input"


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.fit(GREY, GREY),
        lambda model: model.fit(GREY, y=LABELS),
        lambda model: model.fit((GREY, GREY)),
        lambda model: model.fit(GREY, validation_data=(GREY, GREY)),
        lambda model: model.evaluate(GREY, GREY),
        lambda model: model.fit(tf.data.Dataset.from_tensors((GREY, GREY))),
        lambda model: model.fit(Batches((GREY, GREY))),
        lambda model: model.evaluate(in_turn((GREY, GREY))),
    ],
)
def test_targets_are_refused(untouched, use):
    with pytest.raises(ValueError, match=TARGETS):
        use(untouched)


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.fit(GREY, sample_weight=np.ones(6)),
        lambda model: model.fit(GREY, class_weight={0: 1.0}),
        lambda model: model.evaluate(GREY, sample_weight=np.ones(6), verbose=0),
    ],
)
def test_weights_are_refused(untouched, use):
    with pytest.raises(ValueError, match="_weight is given; expected none: every image counts the same"):
        use(untouched)


@pytest.mark.parametrize("size", [0, -3, 2.5, True])
def test_a_batch_size_is_a_positive_whole_number(untouched, size):
    for use in (untouched.fit, untouched.evaluate):
        with pytest.raises(ValueError, match=f"batch_size is {size}: expected a whole number of at least 1"):
            use(GREY, batch_size=size)
    with pytest.raises(ValueError, match="validation_batch_size is"):
        untouched.fit(GREY, validation_data=GREY, validation_batch_size=size)


def test_a_whole_dataset_is_refused(untouched):
    with pytest.raises(ValueError, match=r"got a whole dataset; .*pass dataset\.train"):
        untouched.fit(zoo.load_dataset("mnist_sample", limit=2))


@pytest.mark.parametrize("use", ["fit", "evaluate"])
@pytest.mark.parametrize("source", [Batches, in_turn, tf.data.Dataset.from_tensors])
def test_a_stream_with_sample_weights_is_refused(untouched, use, source):
    with pytest.raises(ValueError, match="the batch has sample weights"):
        getattr(untouched, use)(source((GREY, LABELS, np.ones(6, "float32"))), verbose=0)


def test_none_is_refused(untouched):
    for use in (untouched.fit, untouched.evaluate, untouched.predict):
        with pytest.raises(ValueError, match="got None; expected images or a stream"):
            use(None)


def test_streams_lose_no_batch():
    # Three batches that differ: what predict gives tells which ones came through, and in which order.
    model = make_model()
    batches = [GREY[:2], GREY[2:4], GREY[4:]]
    expected = model.predict(GREY, verbose=0)
    streams = {
        "generator": lambda: in_turn(*batches),
        "generator with labels": lambda: in_turn(*((batch, LABELS[:2]) for batch in batches)),
        "generator of lists": lambda: in_turn(*([batch, LABELS[:2]] for batch in batches)),
        "iterator": lambda: iter(batches),
        "PyDataset": lambda: Batches(*batches),
        "tf.data": lambda: tf.data.Dataset.from_tensor_slices((GREY, LABELS)).batch(2),
    }
    for name, stream in streams.items():
        np.testing.assert_allclose(model.predict(stream(), steps=3, verbose=0), expected, atol=1e-6, err_msg=name)
    for stream in streams.values():
        before = float(model.kl_step)
        model.fit(stream(), steps_per_epoch=3, verbose=0)
        assert float(model.kl_step) == before + 3
    assert int(model.optimizer.iterations) == 3 * len(streams)


def test_validation_generator_loses_no_batch():
    # Keras shows a generator's first two batches anew in each epoch. Two are all there are: a look too many ends it.
    class Count(keras.callbacks.Callback):
        batches = 0

        def on_test_batch_end(self, batch, logs=None):
            self.batches += 1

    count, generator = Count(), in_turn(GREY[:3], GREY[3:])
    history = (
        make_model()
        .fit(GREY, epochs=3, validation_data=generator, validation_steps=2, callbacks=[count], verbose=0)
        .history
    )
    assert np.isfinite(history["val_loss"]).all()
    assert count.batches == 6


def test_py_dataset_is_shuffled_as_keras_does():
    seen = []

    class Recorded(Batches):
        def __getitem__(self, index):
            seen.append(index)
            return super().__getitem__(index)

    model = make_model()
    batches = Recorded(*(GREY[[i]] for i in range(6)))
    keras.utils.set_random_seed(3)
    model.fit(batches, epochs=3, verbose=0)
    epochs = [seen[-18:][start : start + 6] for start in (0, 6, 12)]  # before them the first batches are looked at
    assert all(sorted(epoch) == list(range(6)) for epoch in epochs)
    assert any(epoch != list(range(6)) for epoch in epochs)
    seen.clear()
    model.fit(batches, shuffle=False, verbose=0)
    assert seen[-6:] == list(range(6))


def test_good_images_are_taken_in_every_form():
    model = make_model()
    expected = model.predict(BYTES, verbose=0)
    exact = (BYTES / 255).astype("float32")
    forms = {
        "float64": BYTES / 255,
        "tensor": tf.constant(BYTES),
        "nested list": exact.tolist(),
        "split": Split(BYTES, LABELS, "toy", "test"),
        "tf.data of bytes": tf.data.Dataset.from_tensor_slices(BYTES).batch(4),
    }
    for name, form in forms.items():
        np.testing.assert_allclose(model.predict(form, verbose=0), expected, atol=1e-6, err_msg=name)
    split = Split(BYTES, LABELS, "toy", "train")
    history = model.fit(split, batch_size=3, epochs=2, validation_data=split, verbose=0).history
    assert len(history["val_loss"]) == 2
    assert float(model.kl_step) == 4
    model.fit(BYTES, None, 3, 2, 0)  # batch_size, epochs and verbose by position
    assert float(model.kl_step) == 8


@pytest.mark.parametrize("value", [0, 1])
def test_black_bytes_and_white_floats_are_images(value):
    assert check_images(np.zeros((2, *SHAPE), np.uint8), SHAPE).dtype == np.uint8
    assert check_images(np.full((2, *SHAPE), value, "float32"), SHAPE).dtype == np.float32


def test_any_size_may_be_left_open():
    assert check_images(GREY, (None, None, 1)) is GREY
    with pytest.raises(ValueError, match=r"photos: got shape \(6, 8, 8, 1\); expected \(batch, any, any, 3\)"):
        check_images(GREY, (None, None, 3), "photos")
