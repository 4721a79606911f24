import numpy as np
import pytest
import tensorflow as tf
from support.image_streams import BYTES, GREY, LABELS, Batches, in_turn, make_model

import zoo

EXPECTED = r"expected uint8 in 0\.\.255 or float in \[0, 1\]"


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
    with pytest.raises(ValueError, match=r"got a whole dataset; .* its splits: dataset\.train, \.validation, "):
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
