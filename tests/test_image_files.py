import logging

import numpy as np
import pytest
from PIL import Image

from zoo.data.image_files import read_images
from zoo.errors import DatasetError

RAMP = np.arange(64, dtype="uint8").reshape(8, 8) * 4


def read(path, channels=1, size=8):
    return read_images([path], (size, size, channels))[0]


def test_eight_bits_are_read_as_they_are(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read(tmp_path / "grey.png")[..., 0], RAMP)
    np.testing.assert_array_equal(read(tmp_path / "grey.png", 3), np.dstack([RAMP] * 3))


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    Image.fromarray(RAMP.astype("uint16") * 257).save(tmp_path / "grey16.png")
    np.testing.assert_array_equal(read(tmp_path / "grey16.png")[..., 0], RAMP)
    Image.fromarray(RAMP.astype("uint16") * 257).save(tmp_path / "grey16.tif")
    np.testing.assert_array_equal(read(tmp_path / "grey16.tif", 3)[..., 1], RAMP)


def test_floating_point_pixels_are_refused(tmp_path):
    Image.fromarray(RAMP.astype("float32")).save(tmp_path / "float.tif")
    with pytest.raises(DatasetError, match=r"float.tif: .*: grey values from 0 to 252: expected 8 or 16"):
        read(tmp_path / "float.tif")


def test_transparent_pixels_are_laid_on_white(tmp_path, caplog):
    caplog.set_level(logging.INFO, "zoo")
    pixels = np.zeros((8, 8, 4), "uint8")
    pixels[:4] = (200, 0, 0, 255)
    pixels[4:] = (200, 0, 0, 0)  # Invisible red.
    Image.fromarray(pixels).save(tmp_path / "logo.png")
    colour = read(tmp_path / "logo.png", 3)
    assert (colour[:4] == (200, 0, 0)).all()
    assert (colour[4:] == 255).all()
    assert "logo.png: transparent pixels are laid on white" in caplog.text
    np.testing.assert_array_equal(read(tmp_path / "logo.png", 4), pixels)
    assert (read(tmp_path / "logo.png", 1)[4:] == 255).all()


def test_opaque_images_with_an_alpha_channel_need_no_word(tmp_path, caplog):
    caplog.set_level(logging.INFO, "zoo")
    Image.fromarray(np.full((8, 8, 4), 255, "uint8")).save(tmp_path / "opaque.png")
    read(tmp_path / "opaque.png", 3)
    assert not caplog.text


def test_two_channels_have_no_files(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "grey.png")
    with pytest.raises(DatasetError, match="the model takes 2 channels: image files have 1, 3 or 4"):
        read(tmp_path / "grey.png", 2)
