"""One backend and the other: a model saved on either is the same model on both, and trainings run on both."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo

BACKENDS = ("tensorflow", "jax")
pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(backend) for backend in BACKENDS), reason="needs TensorFlow and JAX"
)
SAVE = """
import json, sys, numpy as np, zoo
images = zoo.load_dataset("cifar10_sample", limit=64).train.images
model = zoo.create_model(sys.argv[2], seed=0, **json.loads(sys.argv[3]))
model.optimizer.learning_rate = 0.01
model.fit(images, batch_size=32, epochs=6, verbose=0)
model.save(sys.argv[1] + "/model.keras")
np.save(sys.argv[1] + "/saved.npy", model.predict(images, verbose=0))
"""
LOAD = """
import sys, keras, numpy as np, zoo
images = zoo.load_dataset("cifar10_sample", limit=64).train.images
model = zoo.load_model(sys.argv[1] + "/model.keras")
assert int(model.optimizer.iterations) == 12
np.save(sys.argv[1] + "/loaded.npy", model.predict(images, verbose=0))
model.fit(images, batch_size=32, verbose=0)
assert int(model.optimizer.iterations) == 14
"""


def run(backend, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ZOO_")}
    environment |= {"KERAS_BACKEND": backend, "PYTHONPATH": str(Path(zoo.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("saving", BACKENDS)
@pytest.mark.parametrize(
    ("preset", "options"),
    [("residual/cifar10", {"filters": [4, 8], "latent_dim": 3}), ("vq_cnn/cifar10", {"width": 4, "codes": 16})],
)
def test_a_model_saved_on_one_backend_is_the_same_on_the_other(preset, options, saving, tmp_path):
    (loading,) = set(BACKENDS) - {saving}
    run(saving, "-c", SAVE, tmp_path, preset, json.dumps(options))
    run(loading, "-c", LOAD, tmp_path)
    saved, loaded = np.load(tmp_path / "saved.npy"), np.load(tmp_path / "loaded.npy")
    assert saved.std() > 0.01
    np.testing.assert_allclose(loaded, saved, atol=1e-5)


def test_a_run_of_jax_is_scored_on_tensorflow(tmp_path):
    train = ["-m", "zoo", "train", "small_cnn/mnist_sample", "--epochs", 1, "--set", "filters=[4]", "--out", tmp_path]
    path = run("jax", *train).splitlines()[-1]
    record = json.loads((Path(path) / "run.json").read_text())
    assert record["provenance"]["backend"] == "jax"
    scores = json.loads(run("tensorflow", "-m", "zoo", "evaluate", path, "--json"))
    for name in ("mse", "psnr", "ssim"):  # Through the posterior mean, so nothing is drawn.
        assert scores[name] == pytest.approx(record["scores"][name], rel=1e-4)
    assert scores["negative_elbo"] == pytest.approx(record["scores"]["negative_elbo"], rel=0.02)
