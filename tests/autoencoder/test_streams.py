"""Streams and forms of images that are taken, whole."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.image_streams import BYTES, GREY, LABELS, SHAPE, Batches, in_turn, make_model

from zoo.data.checks import check_images
from zoo.data.dataset import Split


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
