"""A model saved on one backend is the same model on another, and trainings run on all."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo

PAIRS = [("tensorflow", "jax"), ("jax", "tensorflow"), ("torch", "tensorflow"), ("tensorflow", "torch")]
PRESETS = {
    "residual/cifar10": {"filters": [4, 8], "latent_dim": 3},
    "vq_cnn/cifar10": {"width": 4, "codes": 16},
    "ladder/cifar10": {"widths": [4], "blocks": 1, "groups": [1], "latents": [2]},
}
SAVE = """
import json, sys, numpy as np, zoo
folder, presets = sys.argv[1], json.loads(sys.argv[2])
images = zoo.load_dataset("cifar10_sample", limit=64).train.images
for number, (preset, options) in enumerate(presets.items()):
    model = zoo.create_model(preset, seed=0, **options)
    model.optimizer.learning_rate = 0.01
    model.fit(images, batch_size=32, epochs=6, verbose=0)
    model.save(f"{folder}/{number}.keras")
    np.save(f"{folder}/saved-{number}.npy", model.predict(images, verbose=0))
print(zoo.train("small_cnn/mnist_sample", epochs=1, filters=[4], out=folder, progress=False).path)
"""
LOAD = """
import json, sys, numpy as np, zoo
folder, presets = sys.argv[1], json.loads(sys.argv[2])
images = zoo.load_dataset("cifar10_sample", limit=64).train.images
for number in range(len(presets)):
    model = zoo.load_model(f"{folder}/{number}.keras")
    assert int(model.optimizer.iterations) == 12
    np.save(f"{folder}/loaded-{number}.npy", model.predict(images, verbose=0))
    model.fit(images, batch_size=32, verbose=0)
    assert int(model.optimizer.iterations) == 14
print(json.dumps(zoo.evaluate(zoo.Run(sys.argv[3]).model, zoo.load_dataset("mnist_sample").test)))
"""


def run(backend, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ZOO_")}
    environment |= {"KERAS_BACKEND": backend, "PYTHONPATH": str(Path(zoo.__file__).parents[1])}
    environment |= {"XLA_FLAGS": "--xla_backend_optimization_level=0"}  # Compiling takes most of the time.
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("saving", "loading"), PAIRS)
def test_what_was_made_on_one_backend_is_the_same_on_the_other(saving, loading, tmp_path):
    for backend in (saving, loading):
        if importlib.util.find_spec(backend) is None:
            pytest.skip(f"needs {backend}")
    path = run(saving, "-c", SAVE, tmp_path, json.dumps(PRESETS)).splitlines()[-1]
    scores = json.loads(run(loading, "-c", LOAD, tmp_path, json.dumps(PRESETS), path).splitlines()[-1])
    for number in range(len(PRESETS)):
        saved, loaded = (np.load(tmp_path / f"{name}-{number}.npy") for name in ("saved", "loaded"))
        assert saved.std() > 0.01
        np.testing.assert_allclose(loaded, saved, atol=1e-5)
    record = json.loads((Path(path) / "run.json").read_text())
    assert record["provenance"]["backend"] == saving
    for name in ("mse", "psnr", "ssim"):  # Through the posterior mean, so nothing is drawn.
        assert scores[name] == pytest.approx(record["scores"][name], rel=1e-4)
    assert scores["negative_elbo"] == pytest.approx(record["scores"]["negative_elbo"], rel=0.02)
