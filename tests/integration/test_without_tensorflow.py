"""The zoo on a machine that has JAX or PyTorch and no TensorFlow."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

SCRIPT = """
import sys
sys.modules["tensorflow"] = None  # Its import fails.
import numpy as np, zoo
images = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1)).astype("uint8")
settings = {"epochs": 1, "batch_size": 8, "latent_dim": 2, "filters": [4], "out": sys.argv[1], "progress": False}
run = zoo.train("small_cnn", data=images, **settings)
assert run.scores == zoo.Run(run.path).scores and run.record["provenance"]["backend"] == sys.argv[2]
assert zoo.load_model(run.path).reconstruct(images).shape == images.shape
try:
    zoo.train("small_cnn", data=images, tensorboard=True, **settings)
except zoo.errors.RunError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_trains_scores_and_loads(backend, tmp_path):
    if find_spec(backend) is None:
        pytest.skip(f"needs {backend}")
    environment = {**os.environ, "KERAS_BACKEND": backend}
    arguments = [sys.executable, "-c", SCRIPT, str(tmp_path), backend]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "the package tensorflow, which is not installed: pip install tensorflow" in done.stdout
