"""The page's networks, run by node, give what the model gives."""

import keras
import numpy as np
import pytest
from support.node import run_in_node

import zoo
from zoo.explorer.graph import make_graph
from zoo.explorer.networks import DECODE, ENCODE, PageNetwork
from zoo.explorer.weights import Blob

pytest.importorskip("tf2onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes ONNX here")

SHAPES = [
    pytest.param((28, 28, 1), marks=pytest.mark.exhaustive, id="28x28x1"),
    pytest.param((32, 32, 3), marks=pytest.mark.exhaustive, id="32x32x3"),
    pytest.param((31, 17, 2), marks=pytest.mark.slow, id="31x17x2"),
]
ARCHITECTURES = ["small_cnn", "deep_cnn", "residual", "vq_cnn", "fsq_cnn", "ladder"]
SMALL_LADDER = {"widths": [16, 16, 16], "groups": [1, 1, 1, 1], "latents": [2, 4, 4, 8], "blocks": 1}


def make_model(name="small_cnn", shape=(8, 8, 1), **options):
    return zoo.create_model(name, image_shape=shape, seed=0, **(SMALL_LADDER if name == "ladder" else {}), **options)


def livelier(model):
    """Untrained networks give nearly the same image for all codes."""
    generator = np.random.default_rng(3)
    for part in (model.encoder, model.decoder):
        for weight in part.weights:
            if "moving" not in weight.path:
                value = keras.ops.convert_to_numpy(weight)
                scale = 0.05 if value.ndim == 1 else 0.5 / np.sqrt(np.prod(value.shape[:-1]))
                scale = 1.0 if weight.name == "codebook" else scale
                weight.assign(value + scale * generator.standard_normal(value.shape))
    return model


def make_codes(model, count):
    if model.posterior == "point":
        return model.draw_prior(count, np.random.default_rng(2)).astype("float32")
    return np.random.default_rng(2).standard_normal((count, *model.latent_shape)).astype("float32")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_and_size(architecture, shape, tmp_path):
    check_parity(livelier(make_model(architecture, shape)), 64, tmp_path)


def test_a_small_model(tmp_path):
    check_parity(livelier(make_model(filters=[4, 4])), 8, tmp_path)


def check_parity(model, count, folder):
    images = np.random.default_rng(1).random((count, *model.image_shape), "float32")
    codes, blob = make_codes(model, count), Blob()
    graph = make_graph(PageNetwork(model, DECODE), codes[:8], blob)
    found, _ = run_in_node(graph, blob, codes, folder)
    wanted = model.decode(codes)
    assert np.ptp(wanted, axis=0).max() > 0.02
    np.testing.assert_allclose(found[:, 0], wanted, atol=2e-3)

    blob = Blob()
    graph = make_graph(PageNetwork(model, ENCODE), images[:8], blob)
    outputs = run_in_node(graph, blob, images, folder)
    expected = model.encode(images)
    if model.posterior == "point":
        # Rounded weights may lead to another of two codes that are nearly as near.
        assert np.mean(np.abs(outputs[0][:, 0] - expected[0]).max(axis=-1) < 1e-3) > 0.9
    else:
        for got, mean_or_std in zip(outputs, expected, strict=True):
            assert np.ptp(mean_or_std, axis=0).max() > 1e-3
            np.testing.assert_allclose(got[:, 0], mean_or_std, atol=2e-3 * max(1, np.abs(mean_or_std).max()))
