"""The weight of the KL divergence: inside the compiled step, in validation, and in early stopping."""

import keras
import numpy as np
import pytest
from support.objective_models import IMAGES, make_model

from zoo.schedules import Cyclic, LinearWarmUp


class Watch(keras.callbacks.Callback):
    """Record the KL weight after each epoch."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.kl_weight)


@pytest.mark.parametrize(
    ("schedule", "weights"),
    [
        (LinearWarmUp(4, end=2.0), [0, 0.5, 1, 1.5, 2, 2, 2]),
        (Cyclic(4, cycles=1, end=2.0), [0, 1, 2, 2, 2, 2, 2]),
        (Cyclic(3, ratio=2 / 3, end=2.0), [0, 1, 2, 0, 1, 2, 0]),
    ],
    ids=["linear", "one cycle", "cycles"],
)
def test_kl_weight_moves_inside_the_compiled_step(schedule, weights):
    model = make_model(spread=5.0, kl_weight=schedule)
    assert model.kl_weight == 0.0
    watch = Watch()
    history = model.fit(IMAGES, epochs=6, batch_size=32, validation_data=IMAGES, callbacks=[watch], verbose=0).history
    np.testing.assert_allclose(watch.weights, weights[1:], atol=1e-6)
    history = {key: np.array(values) for key, values in history.items()}
    # One step per epoch: its loss has the weight of before the step; validation has the final one throughout.
    used = (history["loss"] - history["reconstruction_loss"]) / history["kl_loss"]
    np.testing.assert_allclose(used, weights[:-1], atol=1e-4)
    used = (history["val_loss"] - history["val_reconstruction_loss"]) / history["val_kl_loss"]
    np.testing.assert_allclose(used, 2.0, rtol=1e-4)
    model.compile(kl_weight=LinearWarmUp(4))
    assert model.kl_weight == 0.0


@pytest.mark.parametrize("size", [7, 31])
def test_without_weight_the_loss_is_the_reconstruction_to_the_last_bit(size):
    model = make_model(spread=5.0, kl_weight=0.0, optimizer=keras.optimizers.SGD(0.0))
    images = np.random.default_rng(0).integers(0, 256, (4 * size, *IMAGES.shape[1:]), "uint8")
    history = model.fit(images, epochs=3, batch_size=size, verbose=0).history
    assert history["loss"] == history["reconstruction_loss"]
    assert history["negative_elbo"] > history["loss"]


def test_evaluation_does_not_advance_the_schedule():
    model = make_model(kl_weight=LinearWarmUp(4))
    model.evaluate(IMAGES, verbose=0)
    model.predict(IMAGES, verbose=0)
    model.elbo_terms(IMAGES, training=True)
    assert float(model.kl_step) == 0


def test_early_stopping_in_a_warm_up_does_not_pick_the_first_epoch():
    model = make_model(spread=20.0, optimizer=keras.optimizers.Adam(1e-3), kl_weight=LinearWarmUp(16))
    stopping = keras.callbacks.EarlyStopping("val_loss", mode="min", patience=2, restore_best_weights=True)
    watch = Watch()
    history = model.fit(
        IMAGES, epochs=8, batch_size=16, validation_data=IMAGES, callbacks=[watch, stopping], verbose=0
    ).history
    # By the weight of the moment the first epoch would be the best one.
    momentary = history["val_reconstruction_loss"] + np.array(watch.weights) * history["val_kl_loss"]
    assert np.argmin(momentary) == 0
    assert stopping.best_epoch == len(history["val_loss"]) - 1 == 7
