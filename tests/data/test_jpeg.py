"""JPEGs whose decoding would take minutes."""

import io
import time

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data.image_files import read_images
from zoo.data.jpeg import MOST_SCANS, count_scans
from zoo.errors import DatasetError


def jpeg(size=(40, 30), **options):
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3)).astype("uint8")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def with_scans(content, times):
    """Repeat the last scan: the decoder goes over the whole picture for each."""
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * times + content[-2:]


def test_scans_are_counted():
    assert count_scans(io.BytesIO(jpeg())) == 1
    usual = count_scans(io.BytesIO(jpeg(progressive=True)))
    assert 5 < usual < 20
    assert count_scans(io.BytesIO(with_scans(jpeg(progressive=True), 40))) == usual + 39
    assert count_scans(io.BytesIO(with_scans(jpeg(progressive=True), 5 * MOST_SCANS))) == MOST_SCANS + 1


def test_what_looks_like_a_scan_in_a_comment_is_none():
    content = jpeg()
    comment = b"\xff\xda" * 3000
    content = content[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + content[2:]
    assert count_scans(io.BytesIO(content)) == 1


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff\xd8\xff", b"\xff\xd8\xff\xda", b"\xff" * 100])
def test_damaged_ones_are_counted_to_their_end(content):
    assert count_scans(io.BytesIO(content)) < 3


def test_a_progressive_one_is_read(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(progressive=True))
    assert read_images([tmp_path / "a.jpg"], (30, 40, 3)).shape == (1, 30, 40, 3)


def test_many_scans_are_refused_at_once(tmp_path):
    (tmp_path / "a.jpg").write_bytes(with_scans(jpeg((2000, 2000), progressive=True, quality=5), 400))
    begun = time.monotonic()
    with pytest.raises(DatasetError, match=r"a\.jpg: cannot be read as an image: a JPEG of 4\d\d scans or more would"):
        read_images([tmp_path / "a.jpg"], (8, 8, 3))
    assert time.monotonic() - begun < 5


def test_a_folder_asked_for_too_large(tmp_path):
    for name in range(12):
        Image.new("RGB", (9, 8)).save(tmp_path / f"{name}.png")
    with pytest.raises(DatasetError, match=r"12 images of shape \(3000000, 30000, 4\) do not fit into the cache"):
        zoo.load_images(tmp_path, (3_000_000, 30_000, 4))
    with pytest.raises(DatasetError, match="image files: 1 images of shape"):
        read_images([tmp_path / "0.png"], (3_000_000, 300_000, 4))
