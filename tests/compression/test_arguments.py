"""What is refused, with one sentence and no file, and what is replaced."""

import builtins

import numpy as np
import pytest
from support.compressed import make_model

import zoo
from zoo.errors import CompressionError

pytest.importorskip("constriction")


def test_an_existing_file_and_a_missing_folder(model, images, tmp_path):
    (tmp_path / "here").write_text("mine")
    with pytest.raises(CompressionError, match="here exists: choose another name, or remove it"):
        zoo.compress(model, images, tmp_path / "here")
    assert (tmp_path / "here").read_text() == "mine"
    with pytest.raises(CompressionError, match="there is no folder"):
        zoo.compress(model, images, tmp_path / "no" / "file")
    zoo.compress(model, images, tmp_path / "here", overwrite=True)
    np.testing.assert_array_equal(zoo.decompress(tmp_path / "here", model), images)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch": 0}, "batch is 0: expected a whole number from 1 to 4,096"),
        ({"batch": 2.0}, "batch is 2.0"),
        ({"latent_bits": 17}, "latent_bits is 17: expected a whole number from 6 to 16"),
        ({"latent_bits": True}, "latent_bits is True"),
    ],
)
def test_arguments_out_of_range(model, images, settings, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        zoo.compress(model, images, tmp_path / "file", **settings)


def test_images_between_levels(model, images, tmp_path):
    with pytest.raises(ValueError, match="between the 256 levels"):
        zoo.compress(model, images / 255 * 0.99, tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_models_without_such_probabilities(images, tmp_path):
    with pytest.raises(CompressionError, match="mean_squared_error gives no probability to the levels of a pixel"):
        zoo.compress(make_model(likelihood="mse"), images, tmp_path / "file")


def test_without_the_package(model, images, content, tmp_path, monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments, **named):
        if name.partition(".")[0] == "constriction":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    (tmp_path / "file").write_bytes(content)
    for call in (
        lambda: zoo.compress(model, images, tmp_path / "new"),
        lambda: zoo.decompress(tmp_path / "file", model),
    ):
        with pytest.raises(CompressionError, match=r'constriction.*not installed: pip install "autoencoder-zoo\[compr'):
            call()
