"""Programs for PyTorch: ``KERAS_BACKEND=torch`` alone writes them."""

import json

import keras
import numpy as np
import pytest
from support.exported import ARCHITECTURES, SMALL, expected, make_model

import zoo

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.backend.backend() != "torch", reason="PyTorch writes it"),
]


@pytest.mark.parametrize("batch", [None, 7])
@pytest.mark.parametrize("part", ["encoder", "decoder", "autoencoder"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_program_for_pytorch(architecture, part, batch, tmp_path):
    import torch

    model = make_model(architecture, (31, 17, 2), **SMALL.get(architecture, {}))
    images = np.random.default_rng(1).random((7, 31, 17, 2), "float32")
    made = zoo.export(model, tmp_path / "model.pt2", "torch", part=part, batch=batch)
    assert made.difference <= 1e-6
    said = {"zoo.json": ""}
    program = torch.export.load(str(made.path), extra_files=said).module()
    assert json.loads(said["zoo.json"])["part"] == part
    inputs = model.encode(images)[0] if part == "decoder" else images
    for got, wanted in zip(program(torch.from_numpy(inputs)), expected(model, part, images), strict=True):
        np.testing.assert_allclose(got.detach().numpy(), wanted, atol=1e-6)


@pytest.mark.parametrize("batch", [None, 5])
@pytest.mark.parametrize("part", ["encoder", "decoder", "autoencoder"])
def test_labels_are_a_second_input(part, batch, tmp_path):
    import torch

    model = make_model(conditional=True, classes=3, filters=[4], latent_dim=2)
    images, labels = np.random.default_rng(1).random((5, 8, 8, 1), "float32"), np.array([0, 1, 2, 2, 1], "int32")
    made = zoo.export(model, tmp_path / "model.pt2", "torch", part=part, batch=batch)
    program = torch.export.load(str(made.path)).module()
    first = model.encode(images, labels)[0] if part == "decoder" else images
    wanted = model.encode(images, labels) if part == "encoder" else [model.reconstruct(images, labels)]
    for got, found in zip(program(torch.from_numpy(first), torch.from_numpy(labels)), wanted, strict=True):
        np.testing.assert_allclose(got.detach().numpy(), found, atol=1e-6)
