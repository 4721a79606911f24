"""Replicas of ``tf.distribute``: the same results as on one device, with any number of images."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from support.paths import TESTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's"),
]

# Two models on one device and on four: in training and in use, inside of the strategy's scope and outside.
SCRIPT = """
import json, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
sys.path.insert(0, sys.argv[1])
import keras, numpy as np, zoo
images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 1)).astype("uint8")


class ZeroNoise(zoo.AutoEncoder):
    def elbo_terms(self, images, *, z=None, training=False):
        return super().elbo_terms(images, z=self.posterior_parameters(self.prepare(images))[0], training=training)

    def latent_terms(self, images, *, z=None, training=False):
        return super().latent_terms(images, z=self.posterior_parameters(self.prepare(images))[0], training=training)


def use(model):
    found = {
        "encode": model.encode(images[:3])[0], "reconstruct": model.reconstruct(images), "sample": model.sample(3, 0),
        "predict": model.predict(images[:5], verbose=0), "predict_on_batch": model.predict_on_batch(images[:3]),
        "interpolate": model.interpolate(images[0], images[1], 4), "mse": zoo.evaluate(model, images)["mse"],
        "evaluate": model.evaluate(images, batch_size=8, verbose=0),
    }
    return {key: np.asarray(value).tolist() for key, value in found.items()}


def train():
    small = zoo.models.small_cnn
    keras.utils.set_random_seed(0)
    encoder = small.build_encoder((8, 8, 1), latent_shape=3, filters=[4])
    model = ZeroNoise(encoder, small.build_decoder(3, (8, 8, 1), filters=[4]), seed=1)
    model.compile(keras.optimizers.SGD(1e-3), precision="float32")
    # The last batch is of one image.
    history = model.fit(images, batch_size=8, epochs=2, shuffle=False, validation_data=images, verbose=0).history
    weights = np.concatenate([weight.numpy().ravel() for weight in model.trainable_weights])
    return model, {"history": history, "weights": weights.tolist(), "steps": float(model.kl_step.numpy())}


one, trained = train()
results = {"one": {**trained, **use(one)}}
strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(4)])
with strategy.scope():
    model, trained = train()
    results["inside"] = {**trained, **use(model)}
    normalised = zoo.create_model("residual", image_shape=(8, 8, 1), filters=[4, 4], seed=0)
results["outside"] = {**trained, **use(model)}
normalised.fit(images, batch_size=8, verbose=0)
results["moving averages"] = [float(np.abs(weight.numpy()).max()) for weight in normalised.non_trainable_weights]
json.dump(results, open(sys.argv[2], "w"))
"""


def test_four_replicas_are_as_one_device_with_nine_images(tmp_path):
    out = tmp_path / "out.json"
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(TESTS), str(out)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    one = results["one"]
    for where in ("inside", "outside"):
        assert results[where].keys() == one.keys()
        for key, value in one.items():
            if key == "history":
                assert results[where][key].keys() == value.keys()
                for name, losses in value.items():
                    np.testing.assert_allclose(results[where][key][name], losses, rtol=1e-5, err_msg=name)
            else:
                np.testing.assert_allclose(results[where][key], value, rtol=1e-4, atol=1e-5, err_msg=f"{where} {key}")
    assert one["steps"] == 4
    assert np.isfinite(results["moving averages"]).all()


WORKER = """
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
import numpy as np, zoo
with strategy.scope():
    model = zoo.create_model("small_cnn", image_shape=(8, 8, 1), filters=[4])
for use in (lambda: model.fit(np.zeros((4, 8, 8, 1))), lambda: model.predict(np.zeros((4, 8, 8, 1)))):
    try:
        use()
    except ValueError as error:
        print(error)
"""


def test_strategy_of_several_machines_is_refused():
    cluster = {"cluster": {"worker": ["127.0.0.1:0"]}, "task": {"type": "worker", "index": 0}}
    done = subprocess.run(
        [sys.executable, "-c", WORKER], capture_output=True, text=True,
        env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    assert all("made under MultiWorkerMirroredStrategy, which Keras 3 does not support" in line for line in lines)
