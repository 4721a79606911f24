"""The page's log p(x|z) is the model's."""

import json
import subprocess

import keras
import numpy as np
import pytest
from support.node import find_node

from zoo import likelihoods
from zoo.explorer.scripts import engine_script
from zoo.likelihoods import LIKELIHOODS

RUN = """
const { name, components, images, parameters, channels } = JSON.parse(require("fs").readFileSync(process.argv[2]));
const density = makeEngine().LOG_PROBABILITIES[name];
console.log(JSON.stringify(images.map((image, i) =>
  density(Float32Array.from(image), Float32Array.from(parameters[i]), channels, { components }))));
"""


def log_prob(likelihood, name, images, parameters, folder):
    (folder / "run.js").write_text(engine_script() + RUN)
    flat = [array.reshape(len(array), -1).tolist() for array in (images, parameters)]
    (folder / "case.json").write_text(json.dumps({
        "name": name, "components": getattr(likelihood, "components", None), "images": flat[0], "parameters": flat[1],
        "channels": images.shape[-1],
    }))  # fmt: skip
    command = [find_node(), folder / "run.js", folder / "case.json"]
    return np.array(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", sorted(LIKELIHOODS))
def test_every_likelihood(name, channels, tmp_path):
    likelihood = likelihoods.get(f"{name}:4" if name == "logistic_mixture" else name)
    random = np.random.default_rng(0)
    images = (random.integers(0, 256, (24, 5, 4, channels)) / 255).astype("float32")
    images[0], images[1] = 0, 1
    if name == "bernoulli":
        images = np.round(images)
    # From usual outputs to those of scales at both bounds and locations far away.
    spread = np.repeat([0.3, 1, 5, 40], 6).reshape(-1, 1, 1, 1)
    shape = (24, 5, 4, likelihood.output_channels(channels))
    parameters = (spread * random.standard_normal(shape)).astype("float32")
    expected = keras.ops.convert_to_numpy(likelihood.log_prob(images, parameters))
    got = log_prob(likelihood, name, images, parameters, tmp_path)
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-3)
