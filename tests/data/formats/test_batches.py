"""CIFAR-10's batches, binary and python; a pickle's wishes are not fulfilled."""

import os
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from support.data_files import (
    make_arrays,
    make_binary_batch,
    make_planes,
    make_python2_batch,
    make_python3_batch,
    not_root,
)

from zoo.data import cifar10
from zoo.data.formats.binary_batch import read_binary_batch
from zoo.data.formats.python_batch import read_python_batch
from zoo.errors import DatasetError

PLANES, LABELS, SHAPE = (np.arange(8) * 31).astype(np.uint8).reshape(2, 4), np.array([3, 9], np.uint8), (2, 4)
# What cPickle of Python 2.7 with NumPy 1.16 wrote.
PYTHON2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b"
    b"\x87Rq\x05(K\x01K\x02K\x04\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xff"
    b"J\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x1f>]|\x9b\xba\xd9tbU\x06labelsq\x08]q\t(K\x03K\teU\x0bbatch_labelq\n"
    b"U\x15training batch 1 of 5q\x0bU\tfilenamesq\x0c]q\r(U\x0ea_s_000001.pngq\x0eU\x0eb_s_000002.pngq\x0feu."
)
PYTHON2_FORTRAN = PYTHON2.replace(b"\x89U\x08\x00\x1f>]|\x9b\xba\xd9", b"\x88U\x08\x00|\x1f\x9b>\xba]\xd9")


@pytest.mark.parametrize(
    ("read", "make"),
    [
        (read_binary_batch, make_binary_batch),
        (read_python_batch, make_python2_batch),
        (read_python_batch, make_python3_batch),
    ],
)
def test_batches_are_joined(tmp_path, read, make):
    arrays = make_arrays((32, 32, 3), 10, 10)
    (tmp_path / "a").write_bytes(make(make_planes(arrays.train_images), arrays.train_labels))
    (tmp_path / "b").write_bytes(make(make_planes(arrays.test_images), arrays.test_labels))
    images, labels = cifar10.read_batches([tmp_path / "a", tmp_path / "b"], read, records=10)
    np.testing.assert_array_equal(images, np.concatenate([arrays.train_images, arrays.test_images]))
    np.testing.assert_array_equal(labels, np.concatenate([arrays.train_labels, arrays.test_labels]))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PYTHON2, id="Python 2"),
        pytest.param(PYTHON2_FORTRAN, id="Python 2, Fortran's order"),
        pytest.param(make_python2_batch(PLANES, LABELS), id="as Python 2"),
        pytest.param(make_python3_batch(PLANES, LABELS), id="Python 3"),
        pytest.param(pickle.dumps({"data": PLANES, "labels": [3, 9]}, 2), id="keys of text"),
        pytest.param(pickle.dumps({b"data": PLANES, b"labels": [3, 9]}, 2).replace(b"_core", b"core"), id="NumPy 1"),
    ],
)
def test_python_batches_are_read_as_they_were_written(tmp_path, content):
    (tmp_path / "batch").write_bytes(content)
    planes, labels = read_python_batch(tmp_path / "batch", SHAPE, 9)
    assert planes.dtype == labels.dtype == np.uint8
    np.testing.assert_array_equal(planes, PLANES)
    np.testing.assert_array_equal(labels, LABELS)


def read_damaged(path, content, message, read=read_python_batch, shape=SHAPE):
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        read(path, shape, 9)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: 0 bytes, expected 6146"),
        (bytes(6145), r"is truncated: 6145 bytes, expected 6146 \(2 records of 3073 bytes\)"),
        (bytes(6147), "is too long: 6147 bytes, expected 6146"),
        (bytes(3073) + b"\x0a" + bytes(3072), r"has the label 10, expected 0\.\.9"),
    ],
)
def test_damaged_binary_batches(tmp_path, content, message):
    read_damaged(tmp_path / "test_batch.bin", content, message, read_binary_batch, (2, 3072))


@pytest.mark.parametrize("read", [read_binary_batch, read_python_batch])
def test_unreadable_batches(tmp_path, read):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(DatasetError, match=r"is (unreadable|truncated|damaged or truncated|too long)"):
            read(path, (100, 3072), 9)


@not_root
@pytest.mark.parametrize("read", [read_binary_batch, read_python_batch])
def test_batches_that_may_not_be_read(tmp_path, read):
    (tmp_path / "batch").write_bytes(make_binary_batch(PLANES, LABELS))
    (tmp_path / "batch").chmod(0)
    with pytest.raises(DatasetError, match=r"is unreadable: .*Permission denied"):
        read(tmp_path / "batch", SHAPE, 9)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([1, 2], "is a pickle without data, expected a python batch"),
        ({b"data": PLANES}, "is a pickle without labels"),
        ({b"data": PLANES, b"labels": [3]}, "has 1 labels, expected 2"),
        ({b"data": PLANES, b"labels": (3, 9)}, "has labels that are not a list, expected 2"),
        ({b"data": PLANES, b"labels": [3, 10]}, r"labels that are not whole numbers in 0\.\.9"),
        ({b"data": PLANES, b"labels": [3, True]}, r"labels that are not whole numbers in 0\.\.9"),
        ({b"data": PLANES[:1], b"labels": [3, 9]}, r"has 4 bytes of data, expected uint8 of shape \(2, 4\)"),
        ({b"data": PLANES.T, b"labels": [3, 9]}, r"has 8 bytes of data, expected uint8 of shape \(2, 4\)"),
        ({b"data": b"abcdefgh", b"labels": [3, 9]}, "has data that is not an array of bytes, expected uint8"),
        ({b"data": PLANES.astype("i8"), b"labels": [3, 9]}, "asks for a call or a type of array that"),
        ({b"data": PLANES.astype("O"), b"labels": [3, 9]}, "asks for a call or a type of array that"),
        ({b"data": PLANES, b"labels": [3, 9.5]}, r"has the pickle operation BINFLOAT at byte \d+, expected those"),
        (
            {b"data": PLANES, b"labels": [3, np.uint8(9)]},
            r"asks for 'numpy\._?core\.multiarray\.scalar', which was not",
        ),
    ],
)
def test_other_pickles_are_refused(tmp_path, fields, message):
    read_damaged(tmp_path / "test_batch", pickle.dumps(fields, 2), message)


class Calls:
    """An object whose pickle calls something."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 5])
@pytest.mark.parametrize(
    ("function", "wish"), [(os.system, "mkdir made"), (os.mkdir, "made"), (eval, "__import__('os').mkdir('made')")]
)
def test_nothing_that_a_pickle_asks_for_is_run(tmp_path, monkeypatch, function, wish, protocol):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({b"data": PLANES, b"labels": [3, 9], b"more": Calls(function, wish)}, protocol)
    refused = r"asks for '\w+\.(system|mkdir|eval)', which was not run, expected only NumPy arrays"
    read_damaged(tmp_path / "batch", content, refused if protocol == 2 else "has the pickle operation|is damaged")
    assert os.listdir(tmp_path) == ["batch"]
    pickle.loads(content)
    assert sorted(os.listdir(tmp_path)) == ["batch", "made"]


def test_what_is_allowed_cannot_be_put_to_another_use(tmp_path):
    for content, message in [
        (PYTHON2.replace(b"U\2u1", b"U\2O8"), "asks for a call or a type of array that python batches"),
        (PYTHON2.replace(b"U\2u1", b"U\2f8"), "asks for a call or a type of array that python batches"),
        (PYTHON2.replace(b"numpy\ndtype", b"numpy\nndarray"), "asks for a call or a type of array"),
        (PYTHON2.replace(b"numpy\ndtype", b"numpy\nmemmap"), r"asks for 'numpy\.memmap', which was not run"),
        (PYTHON2.replace(b"numpy\ndtype", b"numpy.dtype\n"), "is damaged or truncated"),
        (PYTHON2.replace(b"K\2K\4\x86", b"J\xff\xff\xff\x7fK\4\x86"), "has 8 bytes of data, expected uint8"),
        (b"\x80\2cnumpy\ndtype\n}X\4\0\0\0evilNsb.", "is damaged or truncated: .*has no state"),
        (b"\x80\2c_codecs\nencode\nX\1\0\0\0aX\5\0\0\0bz2__\x86R.", "asks for a call or a type of array"),
    ]:
        read_damaged(tmp_path / "batch", content, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (PYTHON2[: len(PYTHON2) // 2], "is damaged or truncated: not a pickle of CIFAR-10: "),
        (b"<html>not found</html>", "is damaged or truncated: .*opcode b'<' unknown"),
        (make_binary_batch(PLANES, LABELS), "is damaged or truncated: .*opcode .* unknown"),
        (bytes(10_000), "is too long: more than 4624 bytes, expected a python batch of 2 images"),
        (b"N" * 4000, "has more than 1032 pickle operations"),
        (b"}K\1" + b"\x85" * 500 + b"Ns.", "has more than 16 tuples"),  # Deep ones would overflow a hash.
        (b"\x80\2Nr\xff\xff\xff\xff.", "stores an object in place 4294967295"),  # Room for as many: 32 GB.
        # Pairs of pairs, as a key: their hashes would take for ever.
        (b"\x80\2}K\1" + b"q\0h\0h\0\x86" * 60 + b"Ns.", "has more than 16 tuples"),
        (
            b"\x80\2}c_codecs\nencode\nq\x09K\1" + b"q\0h\x09h\0h\0\x86q\1Rh\1" * 60 + b"Ns.",
            "has more than 16 tuples",
        ),
        (b"\x80\2T\xff\xff\xff\x7f.", "is damaged or truncated"),
        (b"\x80\2T\xff\xff\xff\xff.", "is damaged or truncated"),
        (b"\x80\2h\5.", "is damaged or truncated: not a pickle of CIFAR-10: "),
        (b"\x80\2t.", "is damaged or truncated: not a pickle of CIFAR-10: "),
        (b"\x80\2}(Ne.", "is damaged or truncated: not a pickle of CIFAR-10: "),
        (b"\x80\2cnumpy", "is damaged or truncated: not a pickle of CIFAR-10: "),
        (b"\x80\2X\1\0\0\0\xff.", "is damaged or truncated: not a pickle of CIFAR-10: "),
        (b".", "is damaged or truncated: not a pickle of CIFAR-10: "),
    ],
)
def test_damaged_python_batches(tmp_path, content, message):
    read_damaged(tmp_path / "test_batch", content, message)


@pytest.mark.parametrize(
    ("copy", "message"),
    [
        pytest.param(b"h\1h\2h\3\x86R", "without data", id="texts that are encoded"),
        pytest.param(b"}h\4Ns", "without data", id="keys of dicts"),
        pytest.param(b"h\2\x85", "has more than 16 tuples", id="tuples"),
    ],
)
def test_one_text_is_not_copied_again_and_again(tmp_path, copy, message):
    text = "é".encode() * 1_000_000
    head = b"\x80\2]q\0c_codecs\nencode\nq\1X" + struct.pack("<I", len(text)) + text + b"q\2X\6\0\0\0latin1q\3"
    head += b"T" + struct.pack("<i", len(text)) + text + b"q\4"
    tracemalloc.start()
    read_damaged(tmp_path / "batch", head + b"h\0(" + copy * 200 + b"e.", message, shape=(1000, 3072))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000
