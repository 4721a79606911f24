"""Arrays as batches: every image once an epoch, in an order that the seed tells, as with Keras' own loop."""

import keras
import numpy as np
import pytest

import zoo
from zoo.training.shuffling import ShuffledImages

SHAPE = (4, 4, 1)
# Each image has one grey level of its own.
IMAGES = np.broadcast_to(np.arange(2, 25, dtype="uint8").reshape(-1, 1, 1, 1), (23, *SHAPE)).copy()
on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends take arrays")


@keras.saving.register_keras_serializable(package="test_batches")
class Recorder(zoo.AutoEncoder):
    """Remembers the images of its steps, by number; training and evaluation apart."""

    def _remember(self, batch, where):
        images = keras.ops.convert_to_numpy(batch[0] if isinstance(batch, tuple) else batch)
        self.seen.setdefault(where, []).append(images[:, 0, 0, 0].tolist())

    def train_step(self, *args):
        self._remember(args[-1], "train")
        return super().train_step(*args)

    def test_step(self, *args):
        self._remember(args[-1], "test")
        return super().test_step(*args)


@pytest.fixture
def recorder():
    base = zoo.create_model("small_cnn", image_shape=SHAPE, filters=[2], latent_dim=2, likelihood="bernoulli", seed=0)
    model = Recorder(base.encoder, base.decoder, seed=0)
    object.__setattr__(model, "seen", {})
    model.compile("sgd", run_eagerly=True)
    return model


def flat(batches):
    return [number for batch in batches for number in batch]


EVERY = IMAGES[:, 0, 0, 0].tolist()


@on_tensorflow
def test_each_image_once_an_epoch_in_another_order(recorder):
    keras.utils.set_random_seed(5)
    recorder.fit(IMAGES, batch_size=5, epochs=2, verbose=0)
    batches = recorder.seen["train"]
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3] * 2
    first, second = flat(batches[:5]), flat(batches[5:])
    assert sorted(first) == sorted(second) == EVERY
    assert EVERY != first != second != EVERY
    recorder.seen.clear()
    keras.utils.set_random_seed(5)
    recorder.fit(IMAGES, batch_size=5, epochs=2, verbose=0)
    assert recorder.seen["train"] == batches


@on_tensorflow
def test_without_shuffling_the_order_is_theirs(recorder):
    recorder.fit(IMAGES, shuffle=False, verbose=0)
    assert recorder.seen["train"] == [EVERY]  # Keras' batch size is 32.
    recorder.evaluate(IMAGES, batch_size=20, verbose=0)
    assert recorder.seen["test"] == [EVERY[:20], EVERY[20:]]


@on_tensorflow
@pytest.mark.parametrize("shuffle", [True, False])
def test_validation_split_is_the_last_part(recorder, shuffle):
    history = recorder.fit(IMAGES, validation_split=0.2, batch_size=10, shuffle=shuffle, verbose=0).history
    assert sorted(flat(recorder.seen["train"])) == EVERY[:18]
    assert recorder.seen["test"] == [EVERY[18:]]
    assert "val_loss" in history


@on_tensorflow
def test_validation_data(recorder):
    recorder.fit(
        IMAGES, validation_data=IMAGES[:7], validation_batch_size=4, validation_split=0.5, batch_size=10, verbose=0
    )
    assert sorted(flat(recorder.seen["train"])) == EVERY
    assert recorder.seen["test"] == [EVERY[:4], EVERY[4:7]]


@on_tensorflow
def test_steps_per_epoch(recorder):
    recorder.fit(IMAGES, batch_size=5, steps_per_epoch=2, epochs=2, shuffle=False, verbose=0)
    assert flat(recorder.seen["train"]) == EVERY[:20]


@pytest.mark.parametrize("share", [-0.5, 1.0, 1.5, 0.999999])
def test_a_validation_split_that_leaves_nothing(share):
    model = zoo.create_model("small_cnn", image_shape=SHAPE, filters=[2], latent_dim=2)
    with pytest.raises(ValueError, match=r"validation_split|not sufficient to split"):
        model.fit(IMAGES, validation_split=share, verbose=0)


def test_predictions_keep_the_order():
    model = zoo.create_model("small_cnn", image_shape=SHAPE, filters=[2], latent_dim=2, seed=0)
    whole = model.predict(IMAGES, verbose=0)
    np.testing.assert_array_equal(model.predict(IMAGES, 4, verbose=0), whole)
    np.testing.assert_allclose(np.concatenate([model.predict(it[None], verbose=0) for it in IMAGES]), whole, atol=1e-6)


def test_the_order_of_a_training_run_depends_on_seed_and_epoch_alone():
    def orders(seed, epochs):
        data = ShuffledImages(IMAGES, 5, seed)
        stream = data.stream()
        found = []
        for epoch in epochs:
            data.shuffle(epoch)
            batches = stream if hasattr(stream, "element_spec") else (stream[i] for i in range(stream.num_batches))
            found.append(flat([np.asarray(b[0] if isinstance(b, tuple) else b)[:, 0, 0, 0] for b in batches]))
        return found

    first, second, third = orders(1, [0, 1, 2])
    assert sorted(first) == sorted(second) == EVERY
    assert len({tuple(order) for order in (first, second, third)}) == 3
    assert orders(1, [2, 0]) == [third, first]
    assert orders(2, [0]) != [first]


@on_tensorflow
def test_mapped_images_are_those_in_memory(recorder, tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    for images in (IMAGES, mapped):
        keras.utils.set_random_seed(5)
        recorder.fit(images, batch_size=5, epochs=2, validation_data=images[:7], verbose=0)
    train, test = recorder.seen["train"], recorder.seen["test"]
    assert train[: len(train) // 2] == train[len(train) // 2 :]
    assert test[: len(test) // 2] == test[len(test) // 2 :]
    assert sorted(flat(train[-5:])) == EVERY
