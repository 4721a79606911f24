import numpy as np
import pytest
from support.data_files import make_dataset, make_split

from zoo.data.dataset import Split, hash_arrays


def test_split_is_read_only_and_copies_nothing():
    images = np.zeros((4, 2, 2, 1), np.uint8)
    split = Split(images, np.zeros(4, np.int64), "toy", "train")
    assert len(split) == 4
    assert np.shares_memory(split.images, images)
    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 1
    images[0] = 1  # the caller's own array is left as it was


@pytest.mark.parametrize(
    ("images", "labels", "part", "message"),
    [
        (
            np.zeros((2, 4, 4, 1), np.float32),
            np.zeros(2, int),
            "train",
            "images are float32 .* expected uint8",
        ),
        (
            np.zeros((2, 4, 4), np.uint8),
            np.zeros(2, int),
            "train",
            r"shape \(2, 4, 4\): expected uint8 of shape",
        ),
        (np.zeros((0, 4, 4, 1), np.uint8), np.zeros(0, int), "train", "not empty"),
        (
            np.zeros((2, 4, 4, 1), np.uint8),
            np.zeros(3, int),
            "train",
            r"shape \(3,\): expected integers .*\(2,\)",
        ),
        (
            np.zeros((2, 4, 4, 1), np.uint8),
            np.zeros((2, 1), int),
            "train",
            r"shape \(2, 1\): expected integers",
        ),
        (np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2), "train", "labels are float64"),
        (
            np.zeros((2, 4, 4, 1), np.uint8),
            np.zeros(2, int),
            "valid",
            "'valid': expected one of train, validation",
        ),
    ],
)
def test_split_says_what_is_wrong(images, labels, part, message):
    with pytest.raises(ValueError, match=message):
        Split(images, labels, "toy", part)


def test_sha256_depends_on_values_shape_and_type_but_not_on_memory_layout():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    known = hash_arrays(array)
    assert known == hash_arrays(np.asfortranarray(array))
    assert known != hash_arrays(array.reshape(2, 4, 3))
    assert known != hash_arrays(array.astype(np.int8))
    assert hash_arrays(array.astype(">i4")) == hash_arrays(array.astype("<i4"))
    assert hash_arrays(array, array) != known


def test_sha256_is_as_documented():
    import hashlib

    split = Split(np.full((5000, 1, 2, 1), 7, np.uint8), np.arange(5000, dtype="<i4") % 3, "toy", "train")
    text = b"uint8 5000x1x2x1\n" + b"\7" * 10_000 + b"int32 5000\n" + split.labels.tobytes()
    assert split.sha256 == hashlib.sha256(text).hexdigest()
    assert split.limit(4999).sha256 != split.sha256


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "3", None])
def test_limit_must_be_a_positive_int(limit):
    with pytest.raises(ValueError, match="expected a positive int"):
        make_split().limit(limit)
    with pytest.raises(ValueError, match="expected a positive int"):
        make_dataset().limit(limit)


def test_limit_takes_the_first_of_each_split():
    dataset = make_dataset().limit(np.int64(5))
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [5, 5, 3]
    assert dataset.train.labels.tolist() == [0, 1, 2, 0, 1]
    assert repr(dataset) == "Dataset(toy: 5 / 5 / 3 images of shape (4, 5, 3))"
    assert repr(dataset.test) == "Split(toy test: 3 images of shape (4, 5, 3))"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": make_split(part="train")}, "test is the split toy train: expected toy test"),
        ({"name": "other"}, "train is the split toy train: expected other train"),
        ({"train": np.zeros(3)}, "train is a ndarray: expected a Split"),
        ({"test": make_split(shape=(5, 4, 3), part="test")}, r"shape \(5, 4, 3\): expected \(4, 5, 3\)"),
        ({"image_shape": (4, 5)}, "image_shape"),
        ({"classes": ("a", "b")}, r"train has labels 0\.\.2: expected 0\.\.1"),
    ],
)
def test_dataset_says_what_is_wrong(changes, message):
    with pytest.raises(ValueError, match=message):
        make_dataset(**changes)


def test_a_dataset_may_have_no_classes():
    assert make_dataset(classes=()).classes == ()
