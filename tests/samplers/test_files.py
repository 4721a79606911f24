"""Folders that are not what they should be: one sentence each, and nothing run."""

import hashlib
import json

import numpy as np
import pytest
from support.small_models import BYTES, make_model

import zoo
from zoo.errors import ModelLoadError
from zoo.weights.arrays import write_arrays

KINDS = {"gaussian_mixture:2": {}, "two_stage": {"epochs": 1}, "masked_autoregressive_flow": {"epochs": 1}}


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def samplers(model):
    return {name.partition(":")[0]: zoo.samplers.fit(model, BYTES, name, **how) for name, how in KINDS.items()}


def refused(folder, model):
    with pytest.raises(ModelLoadError) as caught:
        zoo.samplers.load(folder, model)
    message = str(caught.value)
    assert message.startswith(str(folder))
    assert "\n" not in message
    assert len(message) < 1000
    return message


def write(sampler, folder, changes=None, arrays=None):
    """Save a sampler, with other facts or arrays than it has; the SHA-256 is right."""
    sampler.save(folder)
    content = json.loads((folder / "sampler.json").read_text())
    if arrays is not None:
        (folder / "sampler.safetensors").write_bytes(write_arrays(arrays))
        content["arrays_sha256"] = hashlib.sha256((folder / "sampler.safetensors").read_bytes()).hexdigest()
    (folder / "sampler.json").write_text(json.dumps({**content, **(changes or {})}))
    return folder


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "format is 2: expected 1"),
        ({"sampler": "os.system"}, "sampler is 'os.system': expected one of prior, gaussian_mixture"),
        ({"sampler": ["x"]}, "sampler is ['x']: expected text"),
        ({"sampler": "two_stage"}, "not a sampler two_stage: options.width is None"),
        ({"options": 3}, "options is 3: expected a mapping"),
        ({"options": {"components": 10**9}}, "options.components is 1000000000: expected a whole number from 1 to"),
        ({"options": {"components": True}}, "options.components is True: expected"),
        ({"options": {"components": 3}}, "'shares' has the shape (2,) and type float64: expected real, (3,)"),
        ({"latent_shape": [4]}, "was fitted to a model with other weights: load that model, or fit a sampler"),
        ({"latent_shape": []}, "other weights"),
        ({"weights": "0" * 64}, "other weights"),
        ({"arrays_sha256": None}, "is not the file that was saved"),
        ({"images": -1}, "images is -1"),
    ],
)  # fmt: skip
def test_other_facts(model, samplers, tmp_path, changes, words):
    assert words in refused(write(samplers["gaussian_mixture"], tmp_path, changes), model)


@pytest.mark.parametrize("content", ["", "[]", "{", "null", '{"a": NaN}', "[" * 5000, "\x00", "7" * 50])
def test_what_is_no_json_of_a_sampler(model, samplers, tmp_path, content):
    samplers["two_stage"].save(tmp_path)
    (tmp_path / "sampler.json").write_text(content)
    assert "sampler.json" in refused(tmp_path, model)


MIXTURE, STAGE, FLOW = "gaussian_mixture", "two_stage", "masked_autoregressive_flow"


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (MIXTURE, lambda it: {}, "the array 'factors' is missing"),
        (MIXTURE, lambda it: it | {"../x": it["shares"]}, "the array '../x' is unknown"),
        (MIXTURE, lambda it: it | {"shares": -it["shares"]}, "'shares' are no probabilities"),
        (MIXTURE, lambda it: it | {"shares": it["shares"] * 2}, "'shares' are no probabilities"),
        (MIXTURE, lambda it: it | {"factors": -it["factors"]}, "'factors' has a diagonal that is not positive"),
        (MIXTURE, lambda it: it | {"means": it["means"].astype(int)}, "type int64: expected real"),
        (MIXTURE, lambda it: it | {"means": it["means"] * np.nan}, "'means' has values that are NaN or infinite"),
        (STAGE, lambda it: it | {"scale": it["scale"] * 0}, "'scale' is not positive"),
        (STAGE, lambda it: it | {"kernel_1": it["kernel_1"][:3]}, "'kernel_1' has the shape (3, 64)"),
        (FLOW, lambda it: it | {"scale": -it["scale"]}, "'scale' is not positive"),
        (FLOW, lambda it: it | {"block_3/bias_0": it["shift"]}, "the array 'block_3/bias_0' is unknown"),
    ],
)
def test_other_arrays(model, samplers, tmp_path, name, change, words):
    sampler = samplers[name]
    assert words in refused(write(sampler, tmp_path, arrays=change(sampler.arrays)), model)


def test_damaged_and_missing_files(model, samplers, tmp_path):
    assert "has no sampler.json: expected a folder that Sampler.save has written" in refused(tmp_path / "none", model)
    folder = write(samplers[FLOW], tmp_path)
    file = folder / "sampler.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "is not the file that was saved" in refused(folder, model)
    file.unlink()
    assert "sampler.safetensors is missing" in refused(folder, model)
    file.symlink_to("/dev/zero")
    assert "a link, which is not followed" in refused(folder, model)


def test_latents_beyond_all_measure(model, samplers, tmp_path):
    arrays = {name: array * 1e9 for name, array in samplers[FLOW].arrays.items()}
    loaded = zoo.samplers.load(write(samplers[FLOW], tmp_path, arrays=arrays), model)
    with pytest.raises(ValueError, match=f"the sampler {FLOW} draws latents that are not finite: fit it again"):
        loaded.sample(3, seed=0)


def test_other_weights_are_another_model(model, samplers, tmp_path):
    samplers[STAGE].save(tmp_path)
    before = model.get_weights()
    model.decoder.weights[0].assign(model.decoder.weights[0] + 0.5)
    try:
        assert "was fitted to a model with other weights" in refused(tmp_path, model)
    finally:
        model.set_weights(before)
    assert zoo.samplers.load(tmp_path, model).name == STAGE
