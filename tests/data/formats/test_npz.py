import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from zoo.data.formats.npz import read_npz
from zoo.errors import DatasetError

IMAGES, LABELS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4), np.array([3, 7], np.uint8)
SHAPES = {"x": (2, 3, 4), "y": (2,)}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", [np.ascontiguousarray, np.asfortranarray])
def test_round_trip(tmp_path, save, order):
    save(tmp_path / "a.npz", x=order(IMAGES), y=LABELS, other=np.zeros(3))
    arrays = read_npz(tmp_path / "a.npz", SHAPES)
    assert list(arrays) == ["x", "y"]
    np.testing.assert_array_equal(arrays["x"], IMAGES)
    np.testing.assert_array_equal(arrays["y"], LABELS)
    assert arrays["x"].dtype == np.uint8


def test_the_header_that_python_2_wrote(tmp_path):
    text = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }" + b" " * 60 + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("y.npy", b"\x93NUMPY\1\0v\0" + text + b"\3\7")
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz", {"y": (2,)})["y"], LABELS)


def read_damaged(path, content, message):
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        read_npz(path, SHAPES)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": IMAGES}, "contains x, expected x, y"),
        ({"a" * 500: IMAGES}, r"contains \[...\], expected x, y"),
        ({}, "contains nothing, expected x, y"),
        ({"x": IMAGES, "y": LABELS.astype(np.int64)}, r"y\.npy is <i8 of shape \(2,\), expected \|u1 \(uint8\)"),
        ({"x": IMAGES[:1], "y": LABELS}, r"x\.npy is \|u1 of shape \(1, 3, 4\), expected .* of shape \(2, 3, 4\)"),
        ({"x": IMAGES, "y": np.array([{}, {}])}, r"y\.npy is \|O of shape \(2,\), expected \|u1"),
        ({"x": IMAGES, "y": np.zeros(2, "u1,u1")}, r"y\.npy does not have NumPy's header, expected a \.npy of"),
    ],
)
def test_other_arrays_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    read_damaged(tmp_path / "a.npz", (tmp_path / "a.npz").read_bytes(), message)


def make_content(tmp_path, save=np.savez):
    save(tmp_path / "good.npz", x=IMAGES, y=LABELS)
    return (tmp_path / "good.npz").read_bytes()


def test_damaged_archives(tmp_path):
    good = make_content(tmp_path)
    read_damaged(tmp_path / "a.npz", b"", "is unreadable, or a damaged .npz: File is not a zip file")
    read_damaged(tmp_path / "a.npz", b"\x93NUMPY", "damaged .npz: File is not a zip file")
    read_damaged(tmp_path / "a.npz", good[: len(good) // 2], "damaged .npz")
    place = good.index(IMAGES.tobytes()) + 5
    flipped = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
    read_damaged(tmp_path / "a.npz", flipped, "damaged .npz: Bad CRC-32 for file 'x.npy'")
    read_damaged(tmp_path / "a.npz", good.replace(b"NUMPY\1", b"NUMPY\2", 1), "damaged .npz|another header")
    with pytest.raises(DatasetError, match="is unreadable"):
        read_npz(tmp_path / "absent.npz", SHAPES)
    with pytest.raises(DatasetError, match="is unreadable"):
        read_npz(tmp_path, SHAPES)


def test_a_long_name_in_a_damaged_archive_is_cut(tmp_path):
    good = make_content(tmp_path)
    place = good.index(b"x.npy") - 4  # The length of the name in the file's own header, but not in the archive's.
    content = good[:place] + struct.pack("<H", 600) + good[place + 2 :]
    read_damaged(
        tmp_path / "a.npz", content + bytes(600), "damaged .npz: File name in directory 'x.npy' and header .{1,160}$"
    )


def write_members(path, method=zipfile.ZIP_DEFLATED, **members):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path.read_bytes()


def read_header(tmp_path, array):
    np.save(tmp_path / "array.npy", array)
    return (tmp_path / "array.npy").read_bytes()[: -array.nbytes]


def test_values_of_another_length(tmp_path):
    header, path = read_header(tmp_path, IMAGES), tmp_path / "a.npz"
    for content, message in [(b"1" * 20, "20 bytes after the header"), (b"1" * 25, "more after the header")]:
        read_damaged(path, write_members(path, x=header + content, y=header), f"{message}, expected 24 bytes")
    read_damaged(path, write_members(path, x=b"", y=b""), "damaged .npz")
    read_damaged(path, write_members(path, x=b"\0" * 200, y=b""), "does not have NumPy's header")


def test_a_huge_declared_shape_is_not_believed(tmp_path):
    header = read_header(tmp_path, IMAGES).replace(b"(2, 3, 4), }        ", b"(999999999, 3, 4), }")
    content = write_members(tmp_path / "a.npz", x=header + IMAGES.tobytes(), y=header)
    read_damaged(tmp_path / "a.npz", content, r"is \|u1 of shape \(999999999, 3, 4\), expected")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_bomb_is_not_unpacked(tmp_path, method):
    bomb = read_header(tmp_path, IMAGES) + bytes(50_000_000)
    content = write_members(tmp_path / "a.npz", method, x=bomb, y=b"")
    tracemalloc.start()
    read_damaged(tmp_path / "a.npz", content, "more after the header|compressed by the method 1[24], expected stored")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_long_file_is_not_read(tmp_path):
    read_damaged(tmp_path / "a.npz", bytes(70_000), "too long: 70000 bytes, expected at most 65562")


def test_a_password_is_not_asked_for(tmp_path):
    good = make_content(tmp_path)
    locked = bytearray(good)
    # The first bit of the flags, in each file's own header and in the archive's.
    for header, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        assert header in good
        for found in re.finditer(re.escape(header), good):
            locked[found.start() + place] |= 1
    read_damaged(tmp_path / "a.npz", bytes(locked), "damaged .npz: .*(encrypted|password)")
