import gzip
import tracemalloc

import numpy as np
import pytest
from support.data_files import make_idx

from zoo.data.formats.idx import read_idx
from zoo.errors import DatasetError


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_round_trip(tmp_path, suffix):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / f"images{suffix}"
    path.write_bytes(gzip.compress(make_idx(array)) if suffix else make_idx(array))
    read = read_idx(path, (2, 3, 4))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
GOOD = make_idx(IMAGES)
IDX_DEFECTS = {
    "empty": (b"", "is empty"),
    "truncated": (GOOD[:-5], "truncated: 19 bytes after the header, expected 24"),
    "ends inside the header": (GOOD[:10], "ends inside its header"),
    "too long": (GOOD + b"\0\0", "too long: .* expected 24 bytes"),
    "labels instead of images": (make_idx(np.zeros(2)), "begins with 00000801, expected 00000803"),
    "not bytes": (make_idx(IMAGES, bytes([0, 0, 13, 3])), "begins with 00000d03, expected 00000803"),
    "not IDX": (b"<html>not found</html>", "begins with 3c68746d, expected 00000803"),
    "other count": (make_idx(IMAGES[:1]), r"has shape \(1, 3, 4\), expected \(2, 3, 4\)"),
    "other size": (make_idx(IMAGES.reshape(2, 4, 3)), r"has shape \(2, 4, 3\), expected \(2, 3, 4\)"),
    "huge header": (bytes([0, 0, 8, 3]) + b"\xff" * 12, r"has shape \(4294967295, .*expected \(2, 3, 4\)"),
}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("defect", IDX_DEFECTS)
def test_idx_defects_name_the_file_and_what_is_wrong(tmp_path, defect, suffix):
    content, message = IDX_DEFECTS[defect]
    path = tmp_path / f"images{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    with pytest.raises(DatasetError, match=message) as caught:
        read_idx(path, (2, 3, 4))
    assert str(path) in str(caught.value)


def corrupt(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD, id="not gzip"),
        pytest.param(gzip.compress(GOOD)[:-12], id="cut off"),
        pytest.param(gzip.compress(GOOD)[:-8] + b"\0" * 8, id="wrong checksum"),
        pytest.param(corrupt(gzip.compress(GOOD)), id="corrupt"),
    ],
)
def test_gzip_defects_are_dataset_errors(tmp_path, content):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"images\.gz .*(damaged|begins with|has shape|truncated)"):
        read_idx(path, (2, 3, 4))


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(GOOD + b"\0" * 50_000_000))
    tracemalloc.start()
    with pytest.raises(DatasetError, match="too long: more after the header, expected 24 bytes"):
        read_idx(path, (2, 3, 4))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_idx_labels_above_the_largest(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(make_idx(np.array([1, 9, 10])))
    with pytest.raises(DatasetError, match=r"labels has the value 10, expected 0\.\.9"):
        read_idx(path, (3,), largest=9)


def test_idx_unreadable(tmp_path):
    with pytest.raises(DatasetError, match="is unreadable"):
        read_idx(tmp_path / "absent", (3,))
