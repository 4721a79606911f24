import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.paths import TESTS

from zoo.autoencoder.model import AutoEncoder
from zoo.models import small_cnn
from zoo.schedules import LinearWarmUp

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).uniform(size=(16, *SHAPE)).astype("float32")
RATE = 1e-3


def make_model(optimizer=None, **settings):
    """Make a model whose posterior is a point, as nearly as float32 lets it: the noise of z is gone.

    Its deviation is 1e-6, so that two ways of training can be compared although they draw other numbers.
    """
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    features = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(inputs)
    regularizer = keras.regularizers.L2(0.1)
    features = keras.layers.Flatten()(features)
    mean = keras.layers.Dense(3, dtype="float32", kernel_regularizer=regularizer)(features)
    std = keras.layers.Rescaling(0.0, 1e-6, dtype="float32")(mean)
    decoder = small_cnn.build_decoder(3, SHAPE, filters=[4])
    model = AutoEncoder(keras.Model(inputs, [mean, std]), decoder, seed=1)
    model.compile(optimizer or keras.optimizers.SGD(RATE), kl_weight=LinearWarmUp(4, start=0.5), **settings)
    return model


def flatten(model):
    return np.concatenate([np.ravel(weight) for weight in model.trainable_weights]).astype("float64")


def step_by_step(*batches):
    """Return the weights at the start and after each batch, and the loss of each, from direct steps: the truth here."""
    model = make_model()
    weights, losses = [flatten(model)], []
    for batch in batches:
        model.reset_metrics()
        losses.append(float(model.train_step(batch)["loss"]))
        weights.append(flatten(model))
    return SimpleNamespace(weights=weights, losses=losses)


@pytest.fixture(scope="module")
def truth():
    return step_by_step(IMAGES[:8], IMAGES[8:])


def stream(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0]).batch(8)


FLOAT32 = 1e-5
MODES: dict[str, dict[str, Any]] = {
    "plain": {},
    "jit_compile": {"settings": {"jit_compile": True}},
    "eager": {"settings": {"run_eagerly": True}},
    "steps_per_execution": {"settings": {"steps_per_execution": 2}},
    "mixed_bfloat16": {"policy": "mixed_bfloat16", "tolerance": 0.02, "after": None},
    "mixed_float16": {"policy": "mixed_float16", "tolerance": 0.005, "after": None},
    "gradient accumulation": {
        "optimizer": lambda: keras.optimizers.SGD(RATE, gradient_accumulation_steps=2), "after": "accumulated",
    },
    "moving average": {
        "optimizer": lambda: keras.optimizers.SGD(RATE, use_ema=True, ema_momentum=0.25), "after": "averaged",
    },
    "tf.data": {"data": lambda: stream(IMAGES)},
    "tf.data with labels": {"data": lambda: stream(IMAGES, np.arange(16))},
}  # fmt: skip


def expected_weights(truth, after):
    start, first, second = truth.weights
    if after == "accumulated":
        # One update by the mean of two gradients, both taken at the start; the KL weight moves between the two.
        model = make_model()
        model.kl_step.assign(1.0)
        model.train_step(IMAGES[8:])
        return start + ((first - start) + (flatten(model) - start)) / 2
    if after == "averaged":
        return 0.25 * first + 0.75 * second
    return second


@pytest.mark.parametrize("name", MODES)
def test_two_steps_in_every_mode(name, truth):
    if keras.backend.backend() == "torch" and name in ("jit_compile", "steps_per_execution"):
        pytest.skip("Keras has one step per call on PyTorch, whose compiler is a C++ compiler's")
    mode = MODES[name]
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(mode.get("policy", "float32"))
    try:
        model = make_model(mode.get("optimizer", lambda: None)(), **mode.get("settings", {}))
        start = flatten(model)
        data = mode.get("data", lambda: IMAGES)()
        batches = {"batch_size": 8, "shuffle": False} if data is IMAGES else {}
        history = model.fit(data, verbose=0, **batches).history
    finally:
        keras.config.set_dtype_policy(before)
    np.testing.assert_allclose(start, truth.weights[0], atol=1e-7)
    assert float(model.kl_step) == 2
    assert all(variable.dtype == "float32" for variable in model.trainable_weights)
    after = flatten(model)
    assert np.isfinite(after).all()
    assert np.abs(after - start).max() > 1e-4
    loss, tolerance = history["loss"][0], mode.get("tolerance", FLOAT32)
    if mode.get("after", "second") is not None:
        expected = expected_weights(truth, mode.get("after"))
        change = np.abs(expected - start).max()
        np.testing.assert_allclose(after, expected, rtol=0, atol=1e-3 * change)
    if mode.get("after") == "accumulated":
        # Both losses are of the weights at the start.
        second = make_model()
        second.kl_step.assign(1.0)
        losses = truth.losses[0], float(second.train_step(IMAGES[8:])["loss"])
    else:
        losses = truth.losses
    np.testing.assert_allclose(loss, np.mean(losses), rtol=tolerance)
    scores = model.evaluate(IMAGES[:4], verbose=0, return_dict=True)
    assert np.isfinite(list(scores.values())).all()
    images = model.predict(IMAGES[:4], verbose=0)
    assert images.dtype == np.float32
    assert ((images > 0) & (images < 1)).all()


MIRRORED = """
import json, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path.insert(0, sys.argv[1])
import keras, numpy as np
from autoencoder.test_training_modes import IMAGES, flatten, make_model
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
with strategy.scope():
    model = make_model()
start = flatten(model)
history = model.fit(IMAGES, batch_size=8, shuffle=False, validation_data=IMAGES, verbose=0).history
predicted = model.predict(IMAGES, batch_size=8, verbose=0)
json.dump(
    dict(start=start.tolist(), after=flatten(model).tolist(), history=history, predicted=predicted.tolist(),
         kl_weight=model.kl_weight),
    open(sys.argv[2], "w"),
)
"""


@pytest.mark.slow
def test_two_mirrored_replicas_train_as_one_device(truth, tmp_path):
    out = tmp_path / "out.json"
    command = [sys.executable, "-c", MIRRORED, str(TESTS), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    mirrored = json.loads(out.read_text())
    model = make_model()
    history = model.fit(IMAGES, batch_size=8, shuffle=False, validation_data=IMAGES, verbose=0).history
    start, after = np.array(mirrored["start"]), np.array(mirrored["after"])
    np.testing.assert_allclose(start, truth.weights[0], atol=1e-7)
    change = np.abs(truth.weights[2] - start).max()
    np.testing.assert_allclose(after, truth.weights[2], rtol=0, atol=1e-3 * change)
    assert mirrored["kl_weight"] == model.kl_weight == 0.75
    assert set(mirrored["history"]) == set(history)
    for key, values in history.items():
        np.testing.assert_allclose(mirrored["history"][key], values, rtol=1e-5, err_msg=key)
    np.testing.assert_allclose(mirrored["predicted"], model.predict(IMAGES, verbose=0), atol=1e-5)
