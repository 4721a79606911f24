"""Models that are saved and loaded by Keras itself."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from support.arrays import to_numpy
from support.small_models import IMAGES, make_model, make_parts

from zoo.autoencoder.model import AutoEncoder
from zoo.likelihoods import DiscretizedLogistic
from zoo.schedules import LinearWarmUp

LOAD = """
import sys
import keras, numpy as np
import zoo.autoencoder.model, zoo.layers
model = keras.saving.load_model(sys.argv[1])
images = np.load(sys.argv[2])
before = model.predict(images, verbose=0)
settings = dict(
    iterations=int(model.optimizer.iterations), learning_rate=float(model.optimizer.learning_rate),
    optimizer=type(model.optimizer).__name__, likelihood=model.likelihood.identifier, free_bits=model.free_bits,
    schedule=type(model.kl_schedule).__name__, final=model.kl_schedule.final, kl_weight=model.kl_weight,
    binarization=model.binarization, jit_compile=str(model.get_compile_config()["jit_compile"]), seed=model.seed,
)
slots = [np.array(variable) for variable in model.optimizer.variables]
model.train_step(images)
np.savez(
    sys.argv[3], before=before, slots=np.concatenate([np.ravel(slot) for slot in slots]),
    after=model.predict(images, verbose=0), iterations=int(model.optimizer.iterations),
    settings=np.array(repr(settings)),
)
"""


@pytest.mark.slow
def test_another_process_goes_on_where_this_one_stopped(tmp_path):
    parts = make_parts(channels=2)
    model = AutoEncoder(*parts, "discretized_gaussian", "dynamic", seed=5)
    model.compile(keras.optimizers.Adam(0.02), "discretized_logistic", LinearWarmUp(10, end=0.5), 0.25, metrics=["mse"])
    for _ in range(3):
        model.train_step(IMAGES)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", IMAGES)
    paths = [str(tmp_path / name) for name in ("model.keras", "images.npy", "out.npz")]
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", LOAD, *paths], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    other = np.load(paths[2])
    assert eval(str(other["settings"])) == {
        "iterations": 3, "learning_rate": pytest.approx(0.02), "optimizer": "Adam", "free_bits": 0.25,
        "likelihood": "discretized_logistic", "schedule": "LinearWarmUp", "final": 0.5,
        "kl_weight": pytest.approx(0.15), "binarization": "dynamic", "jit_compile": "auto", "seed": 5,
    }  # fmt: skip
    np.testing.assert_allclose(other["before"], model.predict(IMAGES, verbose=0), atol=1e-6)
    slots = np.concatenate([np.ravel(np.array(variable)) for variable in model.optimizer.variables])
    np.testing.assert_allclose(other["slots"], slots, rtol=1e-6)
    assert np.abs(slots).max() > 0
    # The next step is the same here and there: same weights, slots and KL weight. Draws begin anew from the seed.
    model.seed_generator.state.assign(keras.random.SeedGenerator(5).state)
    model.train_step(IMAGES)
    np.testing.assert_allclose(other["after"], model.predict(IMAGES, verbose=0), atol=1e-5)
    assert not np.allclose(other["after"], other["before"], atol=1e-3)


def test_a_file_keeps_the_likelihood_without_compiling(tmp_path):
    model = make_model("discretized_logistic", "threshold", channels=2, loss="discretized_gaussian")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert again.likelihood.identifier == "discretized_gaussian"
    assert again.get_compile_config() is None
    np.testing.assert_allclose(again.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0), atol=1e-6)


@pytest.mark.parametrize("jit_compile", [True, False, "auto"])
def test_jit_compile_is_kept_as_it_was_asked_for(tmp_path, jit_compile):
    model = make_model(jit_compile=jit_compile)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_compile_config()["jit_compile"] == jit_compile
    assert again.jit_compile == model.jit_compile


def test_an_uncompiled_model_survives_a_file(tmp_path):
    model = AutoEncoder(*make_parts(channels=2), DiscretizedLogistic())
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert not again.compiled
    np.testing.assert_allclose(again.reconstruct(IMAGES), model.reconstruct(IMAGES), atol=1e-6)


def test_a_keras_loss_survives_a_file(tmp_path):
    model = make_model(loss=keras.losses.BinaryCrossentropy(label_smoothing=0.2))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    z = np.ones((12, 3), "float32")
    terms = [to_numpy(it.elbo_terms(IMAGES, z=z)[0]) for it in (again, model)]
    np.testing.assert_allclose(*terms, rtol=1e-6)


def test_weights_alone_survive_a_file(tmp_path):
    model, other = make_model(), make_model()
    model.fit(IMAGES, verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0))
