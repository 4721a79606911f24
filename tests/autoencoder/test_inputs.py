"""Whatever takes images takes the same, and refuses the same."""

import numpy as np
import pytest
import tensorflow as tf
from support.image_streams import BYTES, GREY, Batches, in_turn, make_model

import zoo
from zoo.data.dataset import Split

WAYS = {
    "fit": lambda model, images: model.fit(images, verbose=0),
    "evaluate": lambda model, images: model.evaluate(images, verbose=0),
    "predict": lambda model, images: model.predict(images, verbose=0),
    "train_step": lambda model, images: model.train_step(images),
    "train_on_batch": lambda model, images: model.train_on_batch(images),
    "test_on_batch": lambda model, images: model.test_on_batch(images),
    "predict_on_batch": lambda model, images: model.predict_on_batch(images),
    "call": lambda model, images: model(images),
    "mean_image": lambda model, images: model.mean_image(images),
    "elbo_terms": lambda model, images: model.elbo_terms(images),
    "log_weights": lambda model, images: model.log_weights(images, 2),
    "encode": lambda model, images: model.encode(images),
    "reconstruct": lambda model, images: model.reconstruct(images),
    "interpolate": lambda model, images: model.interpolate(images, images),
    "zoo.evaluate": zoo.evaluate,
    "plot_reconstructions": zoo.plot_reconstructions,
}
BROKEN = GREY.copy()
BROKEN[0, 0, 0, 0] = np.nan
WRONG = {
    "float in 0..255": (BYTES.astype("float32"), "from 0 to 255|from 1 to 25|0 to 25"),
    "float in -1..1": (GREY * 2 - 1, r"np.clip\(images, 0, 1\)"),
    "NaN": (BROKEN, "NaN or infinite"),
    "int64": (BYTES.astype("int64"), "got int(64|32); expected uint8"),
    "bool": (BYTES > 127, "got bool; expected uint8"),
    "bytes of 0 and 1": ((BYTES > 127).astype("uint8"), "uint8 that holds only 0 and 1"),
    "wrong size": (BYTES[:, 1:], "expected .*8, 8, 1"),
}


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("way", WAYS)
def test_wrong_images_are_refused_by_every_way_in(model, way, wrong):
    images, message = WRONG[wrong]
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        WAYS[way](model, images)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("call", "train_step", "mean_image", "elbo_terms",
                                                                    "log_weights", "interpolate")])  # fmt: skip
def test_split_is_taken_wherever_images_are(model, way):
    WAYS[way](model, Split(BYTES, np.zeros(len(BYTES), "int64"), "mine", "test"))


@pytest.mark.parametrize("wrong", [key for key in WRONG if key != "wrong size"])
@pytest.mark.parametrize("kind", ["generator", "PyDataset", "tf.data"])
def test_later_batch_of_a_stream_is_checked(kind, wrong):
    images, message = WRONG[wrong]
    model = make_model()
    good = BYTES if images.dtype in (np.uint8, np.int64, bool) else GREY
    if kind == "tf.data" and images.dtype not in (np.uint8, np.float32):
        pytest.skip("tf.data keeps one type")
    streams = {
        "generator": lambda: in_turn(good, images),
        "PyDataset": lambda: Batches((good,), (images,)),
        "tf.data": lambda: tf.data.Dataset.from_tensor_slices(np.concatenate([good, images])).batch(len(good)),
    }
    with pytest.raises((ValueError, tf.errors.OpError), match=message) as caught:
        model.fit(streams[kind](), steps_per_epoch=2, shuffle=False, verbose=0)
    if kind == "tf.data":
        assert caught.type is ValueError
    assert "(a later batch)" in str(caught.value)
    assert np.isfinite(model.reconstruct(GREY)).all()  # Weights are there, also on JAX.


def test_dict_of_images_is_refused_with_its_keys():
    model = make_model()
    stream = tf.data.Dataset.from_tensor_slices({"image": BYTES, "label": np.arange(6)}).batch(3)
    message = r"got a dict with the keys image, label; .*stream.map\(lambda batch: batch\['image'\]\)"
    with pytest.raises(ValueError, match=message):
        model.fit(stream, verbose=0)
    with pytest.raises(ValueError, match="got a dict with the keys image, label"):
        model.fit({"image": BYTES, "label": np.arange(6)}, verbose=0)
    model.fit(stream.map(lambda batch: batch["image"]), verbose=0)


@pytest.mark.parametrize("given", [[GREY, GREY], (GREY, GREY), [GREY, np.arange(6)]])
def test_targets_in_validation_data_are_refused(given):
    with pytest.raises(ValueError, match="validation_data: got"):
        make_model().fit(GREY, validation_data=given, verbose=0)
