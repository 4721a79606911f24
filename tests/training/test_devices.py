"""Training on all devices of a machine: the same run as on one."""

import json
import os
import subprocess
import sys

import keras
import pytest

import zoo

# Nothing is drawn that counts: on TensorFlow each replica draws its own. The last batch is of six images.
SCRIPT = """
import json, sys
import keras, numpy as np
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
    tf.config.experimental.enable_op_determinism()
import zoo

images = np.random.default_rng(0).integers(0, 256, (30, 4, 4, 1)).astype("uint8")
data = (images[:22], images[:9], images[20:])


def build_encoder(image_shape, latent_shape):
    inputs = keras.Input(image_shape)
    mean = keras.layers.Dense(*latent_shape)(keras.layers.Flatten()(inputs))
    tiny = keras.initializers.Constant(1e-6)
    fixed = {"kernel_initializer": "zeros", "bias_initializer": tiny, "trainable": False}
    return keras.Model(inputs, [mean, keras.layers.Dense(*latent_shape, **fixed)(mean)])


def build_decoder(latent_shape, output_shape):
    inputs = keras.Input(latent_shape)
    values = keras.layers.Dense(int(np.prod(output_shape)))(inputs)
    return keras.Model(inputs, keras.layers.Reshape(output_shape)(values))


class Seen(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        if keras.backend.backend() == "tensorflow":
            strategy = self.model.distribute_strategy
            seen.append(1 if strategy is None else strategy.num_replicas_in_sync)
        else:
            seen.append(len(self.model.trainable_variables[0].value.sharding.device_set))


zoo.register(zoo.Architecture("flat", "Dense layers", build_encoder, build_decoder, {"latent_dim": 2}))
seen, found = [], {}
settings = {"data": data, "batch_size": 8, "learning_rate": 0.01, "learning_rate_decay": 0, "progress": False}
settings |= {"callbacks": [Seen()], "precision": "float32"}
for devices in ("one", "all"):
    run = zoo.train("flat", out=sys.argv[1] + devices, epochs=2, devices=devices, **settings)
    if devices == "all":
        run = zoo.resume(run, epochs=3, devices=devices, data=data, callbacks=[Seen()], progress=False)
    else:
        run = zoo.train("flat", out=sys.argv[1] + devices, epochs=3, **settings)
    found[devices] = {"history": run.history, "scores": {k: run.scores[k] for k in ("negative_elbo", "mse")}}
found["seen"] = seen
json.dump(found, open(sys.argv[2], "w"))
"""


@pytest.mark.slow
def test_four_devices_are_as_one(tmp_path):
    out = tmp_path / "out.json"
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "TF_CPP_MIN_LOG_LEVEL": "3"}
    arguments = [sys.executable, "-c", SCRIPT, str(tmp_path / "runs-"), str(out)]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    one, several = found["one"], found["all"]
    assert found["seen"][-2:] == [4, 4]
    assert one["history"].keys() == several["history"].keys()
    for name, values in one["history"].items():
        assert len(values) == 3
        assert several["history"][name] == pytest.approx(values, rel=1e-5), name
    assert several["scores"] == pytest.approx(one["scores"], rel=1e-5)


@pytest.mark.parametrize("function", [zoo.train, zoo.resume])
def test_how_many_devices(function, monkeypatch):
    with pytest.raises(ValueError, match="devices is 'two': expected one of one, all"):
        function("small_cnn/mnist", devices="two")
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="devices is 'all', and Keras runs on torch: expected 'one', or Tens"):
        function("small_cnn/mnist", devices="all")
