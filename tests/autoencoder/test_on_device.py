"""Images on the device, many steps per dispatch: the same numbers as one step at a time, with all that ``fit`` does."""

import keras
import numpy as np
import pytest
from support.dense_parts import build_decoder, build_encoder

import zoo
from zoo.autoencoder.on_device.loop import divide_evenly
from zoo.autoencoder.prediction import EncodePass

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="on JAX alone")
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (23, 3, 3, 1), np.uint8)
BATCH = {"batch_size": 5, "verbose": 0}
EPOCHS = 2


@pytest.fixture(autouse=True)
def always(monkeypatch):
    monkeypatch.setenv("ZOO_DEVICE_LOOP", "always")


def make_model(binarization="none", kind=zoo.AutoEncoder, **settings):
    keras.utils.set_random_seed(0)
    model = kind(build_encoder((3, 3, 1), 2), build_decoder((2,), (3, 3, 1)), "bernoulli", binarization, seed=1)
    model.compile(**settings)
    return model


def averaged():
    optimizer = keras.optimizers.Adam(1e-2, use_ema=True, gradient_accumulation_steps=2)
    return {"optimizer": optimizer, "metrics": ["mse"], "binarization": "dynamic"}


def falling():
    rate, kl_weight = zoo.schedules.LinearDecay(1e-2, 10), zoo.schedules.LinearWarmUp(7)
    optimizer = keras.optimizers.SGD(rate, momentum=0.9)
    return {"optimizer": optimizer, "kl_weight": kl_weight, "importance_samples": 2, "precision": "bfloat16"}


def train(model, **settings):
    keras.utils.set_random_seed(3)
    given = {"epochs": EPOCHS, "validation_data": IMAGES[:11], "validation_batch_size": 4, **BATCH, **settings}
    history = model.fit(IMAGES, **given).history
    return history, [np.asarray(it) for it in (*model.weights, *model.optimizer.variables)]


def agree(first, second):
    assert first[0].keys() == second[0].keys()
    for key, values in first[0].items():
        np.testing.assert_allclose(second[0][key], values, rtol=1e-5, err_msg=key)
    for one, other in zip(first[1], second[1], strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)


class Count(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)


@pytest.mark.parametrize("settings", [averaged, falling, lambda: {"steps_per_execution": 2}])
def test_the_same_numbers_as_step_by_step(settings, monkeypatch):
    held = make_model(**settings())
    found = train(held)
    assert held.training_loop.dispatches == EPOCHS * (3 if settings().get("steps_per_execution") else 1)
    monkeypatch.setenv("ZOO_DEVICE_LOOP", "never")
    plain = make_model(**settings())
    agree(train(plain), found)
    assert plain.training_loop.dispatches == plain.testing_loop.dispatches == 0
    scores = plain.evaluate(IMAGES, **BATCH)
    monkeypatch.setenv("ZOO_DEVICE_LOOP", "always")
    before = held.testing_loop.dispatches
    np.testing.assert_allclose(held.evaluate(IMAGES, **BATCH), scores, rtol=1e-5)
    assert held.testing_loop.dispatches > before


def test_transfers_do_not_grow_with_the_number_of_batches(monkeypatch):
    """After the images are there, an epoch puts its order on the device and is one dispatch."""
    import jax

    put = jax.device_put
    for size, epochs in ((5, 2), (2, 3)):
        model, moved = make_model(), []
        monkeypatch.setattr(jax, "device_put", lambda value, *rest: moved.append(np.shape(value)) or put(value, *rest))  # noqa: B023
        counted = Count()
        model.fit(IMAGES, batch_size=size, epochs=epochs, verbose=0, callbacks=[counted])
        monkeypatch.setattr(jax, "device_put", put)
        assert moved == [IMAGES.shape, *[(23,)] * epochs]
        assert model.training_loop.dispatches == len(counted.batches) == epochs


def test_a_dispatch_takes_a_tenth_of_a_second(monkeypatch):
    many = np.tile(IMAGES, (6, 1, 1, 1))  # 69 batches of two.
    model = make_model()
    monkeypatch.setattr("zoo.autoencoder.on_device.loop.Loop.time", lambda loop, state, held: 0.1 / 30)
    counted = Count()
    model.fit(many, batch_size=2, verbose=0, callbacks=[counted])
    assert counted.batches == [22, 45, 68]  # 23 divides 69.


def test_the_time_of_a_step_is_measured_on_a_copy():
    many = np.tile(IMAGES, (3, 1, 1, 1))
    model = make_model(metrics=["mse"])
    before = [np.asarray(it) for it in (*model.weights, *model.optimizer.variables)]
    with model.fitting({"x": many, "batch_size": 2, "shuffle": True, "validation_data": None}, streams=False):
        assert 1 <= model.steps_per_execution <= 34
        (seconds,) = model.training_loop.seconds.values()
        assert 0 < seconds < 10
    assert model.steps_per_execution == 1
    for one, other in zip(before, (*model.weights, *model.optimizer.variables), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("steps", "most", "expected"), [(429, 226.5, 143), (12, 100, 12), (431, 100, 100), (9, 0.3, 1), (8, 7.9, 4)]
)
def test_divide_evenly(steps, most, expected):
    assert divide_evenly(steps, most) == expected


def test_a_callback_may_use_the_model_meanwhile():
    """What it asks for is of its own images, and leaves the epoch as it was."""

    class Meddle(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            model = self.model
            scores.append(model.evaluate(IMAGES[:4], verbose=0))
            scores.append(model.evaluate((IMAGES[i : i + 2] for i in (0, 2)), verbose=0, steps=2))
            scores.append(model.test_on_batch(IMAGES[:4]))
            predicted.append(model.predict(IMAGES, batch_size=3, verbose=0))
            np.testing.assert_allclose(predicted[-1][:4], model.predict_on_batch(IMAGES[:4]), rtol=1e-5)
            if epoch == 0:
                model.free_bits = 1.0

    scores, predicted = [], []
    model = make_model()
    model.predict(IMAGES[:3], verbose=0)  # One batch at a time, from then on.
    history = model.fit(IMAGES, epochs=2, callbacks=[Meddle()], validation_data=IMAGES[:7], **BATCH).history
    for first in range(0, 6, 3):
        np.testing.assert_allclose(*(np.array(it)[2] for it in scores[first : first + 3 : 2]), rtol=1e-5)  # The KL.
        np.testing.assert_allclose(scores[first][2], scores[first + 1][2], rtol=1e-5)
    assert [len(it) for it in predicted] == [len(IMAGES)] * 2
    assert len(history["val_loss"]) == 2
    assert history["loss"][1] > history["reconstruction_loss"][1]


def stepping():
    class Own(zoo.AutoEncoder):
        def train_step(self, *args):
            return super().train_step(*args)

    return make_model(kind=Own)


def batches():
    return (IMAGES[i : i + 5] for i in range(0, 20, 5))


@pytest.mark.parametrize(
    ("make", "data", "settings"),
    [
        pytest.param(stepping, lambda: IMAGES, {}, id="own-step"),
        pytest.param(make_model, batches, {"steps_per_epoch": 4}, id="generator"),
        pytest.param(make_model, lambda: IMAGES, {"steps_per_epoch": 2, "batch_size": 5}, id="steps"),
        pytest.param(make_model, lambda: IMAGES, {"shuffle": "batch"}, id="shuffled-batches"),
        pytest.param(lambda: make_model(run_eagerly=True), lambda: IMAGES[:4], {}, id="eager"),
        pytest.param(lambda: make_model(steps_per_execution=1), lambda: IMAGES, {}, id="turned-off"),
    ],
)
def test_what_takes_one_step_at_a_time(make, data, settings):
    model = make()
    model.fit(data(), verbose=0, **settings)
    assert model.training_loop.dispatches == 0
    assert model.optimizer.iterations > 0


def test_images_larger_than_the_devices_memory(monkeypatch):
    import jax

    class Device:
        def memory_stats(self):
            return {"bytes_limit": 2 * IMAGES.nbytes + 10, "bytes_in_use": 11}

    monkeypatch.setattr(jax, "local_devices", lambda: [Device()])
    model = make_model()
    model.fit(IMAGES, **BATCH)
    assert model.training_loop.dispatches == 0
    model.evaluate(IMAGES[:22], **BATCH)
    assert model.testing_loop.dispatches == 1


def test_by_default_not_on_a_cpu(monkeypatch):
    monkeypatch.delenv("ZOO_DEVICE_LOOP")
    model = make_model()
    model.evaluate(IMAGES[:2], **BATCH)
    assert model.testing_loop.dispatches == 0
    monkeypatch.setenv("ZOO_DEVICE_LOOP", "perhaps")
    with pytest.raises(ValueError, match="ZOO_DEVICE_LOOP is 'perhaps': expected one of auto, always, never"):
        model.evaluate(IMAGES[:2], **BATCH)


def test_what_is_predicted_in_many_batches_is_the_same(monkeypatch):
    many = np.tile(IMAGES, (20, 1, 1, 1))[:400]  # More than three batches of 128.
    monkeypatch.setattr("zoo.autoencoder.on_device.prediction.BYTES", 2 * 128 * 9 * 4)
    found = []
    for choice in ("always", "never"):
        monkeypatch.setenv("ZOO_DEVICE_LOOP", choice)
        model = make_model()
        scores = zoo.evaluate(model, many, seed=5)  # It draws z, from one batch to the next.
        found.append([*model.encode(many), model.reconstruct(many), scores["cross_entropy"], scores["kl"]])
        assert (getattr(model.traced_passes[EncodePass,][2], "run_many", None) is None) == (choice == "never")
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
