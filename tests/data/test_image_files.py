import logging

import numpy as np
import pytest
from PIL import Image

from zoo.data.image_files import list_extensions, read_images
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
    assert "logo.png: transparent pixels are shown on white" in caplog.text
    np.testing.assert_array_equal(read(tmp_path / "logo.png", 4), pixels)
    assert (read(tmp_path / "logo.png", 1)[4:] == 255).all()


def test_opaque_images_with_an_alpha_channel_need_no_word(tmp_path, caplog):
    caplog.set_level(logging.INFO, "zoo")
    Image.fromarray(np.full((8, 8, 4), 255, "uint8")).save(tmp_path / "opaque.png")
    read(tmp_path / "opaque.png", 3)
    assert not caplog.text


def test_two_channels_have_no_files(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "grey.png")
    with pytest.raises(DatasetError, match="images with 2 channels are requested: image files have 1, 3 or 4"):
        read(tmp_path / "grey.png", 2)


def test_resizing_is_said_once(tmp_path, caplog):
    caplog.set_level(logging.INFO, "zoo")
    paths = [tmp_path / f"{i}.png" for i in range(6)]
    for path, width in zip(paths, [8, 8, 4, 4, 5, 6], strict=True):
        Image.new("L", (width, 9), 50).save(path)
    images = read_images(paths, (9, 8, 1))
    assert images.shape == (6, 9, 8, 1)
    assert (images == 50).all()
    assert caplog.messages == ["4 of 6 images: resized from 4x9, 5x9, 6x9 to 8x9"]
    caplog.clear()
    read_images(paths[:3], (9, 8, 1))
    assert caplog.messages == [f"{paths[2]}: resized from 4x9 to 8x9"]
    caplog.clear()
    read_images(paths, (3, 3, 1))
    assert caplog.messages == ["6 of 6 images: resized from 8x9, 4x9, 5x9 and 1 more to 3x3"]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_image_is_named(tmp_path, content):
    (tmp_path / "odd.png").write_bytes(content)
    with pytest.raises(DatasetError, match=r"odd\.png: cannot be read as an image: "):
        read(tmp_path / "odd.png")


def test_half_an_image_is_refused(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), "uint8")).save(tmp_path / "half.jpg")
    content = (tmp_path / "half.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match=r"half\.jpg: .*: image file is truncated"):
        read(tmp_path / "half.jpg", 3)


def test_a_postscript_file_starts_no_program(tmp_path):
    (tmp_path / "odd.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")
    with pytest.raises(DatasetError, match=r"odd\.png: .*: not a format that Pillow knows"):
        read(tmp_path / "odd.png")
    assert ".eps" not in list_extensions()
    assert {".png", ".jpg", ".webp", ".tif"} <= list_extensions()


@pytest.mark.parametrize("limit", [63, 31])  # Pillow warns above the limit, and refuses above its double.
def test_a_huge_image_is_refused(tmp_path, monkeypatch, limit):
    Image.fromarray(RAMP).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(DatasetError, match=rf"huge\.png: .*64 pixels\) exceeds limit of {limit if limit > 32 else 62}"):
        read(tmp_path / "huge.png")
