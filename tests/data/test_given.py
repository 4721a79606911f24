"""Images in memory as a dataset to train on."""

import numpy as np
import pytest

import zoo
from zoo.data.given import as_dataset, describe_given, fingerprint

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 6, 5, 1), np.uint8)


def split(images, part="train", dataset="mine", label=1):
    return zoo.Split(images, np.full(len(images), label), dataset, part)


def rows_of(dataset):
    """Return every image of the three splits as bytes."""
    return [image.tobytes() for part in (dataset.train, dataset.validation, dataset.test) for image in part.images]


def test_a_tenth_of_an_array_is_for_validation_and_a_tenth_for_test():
    dataset = as_dataset(IMAGES)
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [40, 5, 5]
    assert sorted(rows_of(dataset)) == sorted(image.tobytes() for image in IMAGES)
    assert rows_of(dataset) == rows_of(as_dataset(IMAGES.copy()))
    assert (dataset.name, dataset.classes, dataset.image_shape) == ("array", ("images",), (6, 5, 1))


@pytest.mark.parametrize(("count", "sizes"), [(3, [1, 1, 1]), (9, [7, 1, 1]), (25, [21, 2, 2])])
def test_no_part_is_empty(count, sizes):
    dataset = as_dataset(IMAGES[:count])
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == sizes


def test_labels_stay_with_their_images():
    images = np.repeat(np.arange(40, dtype=np.uint8)[:, None, None, None] + 1, 6, axis=1)
    dataset = as_dataset(zoo.Split(images, np.arange(40), "mine", "test"))
    assert (dataset.name, dataset.train.part, dataset.classes) == ("mine", "train", ())
    for part in (dataset.train, dataset.validation, dataset.test):
        np.testing.assert_array_equal(part.images[:, 0, 0, 0], part.labels + 1)


def test_two_or_three_parts():
    two = as_dataset((split(IMAGES[:30]), IMAGES[30:]))
    assert [len(part) for part in (two.train, two.validation, two.test)] == [27, 20, 3]
    np.testing.assert_array_equal(two.validation.images, IMAGES[30:])
    three = as_dataset((IMAGES[:30], IMAGES[30:40], split(IMAGES[40:], "validation", "other")))
    np.testing.assert_array_equal(three.test.images, IMAGES[40:])
    assert (three.name, three.test.part) == ("other", "test")
    assert as_dataset((split(IMAGES), split(IMAGES, dataset="other"))).name == "array"


def test_a_dataset_is_taken_as_it_is():
    dataset = as_dataset(IMAGES)
    assert as_dataset(dataset) is dataset


def test_floats_become_bytes(caplog):
    assert rows_of(as_dataset(IMAGES / np.float32(255))) == rows_of(as_dataset(IMAGES))
    assert not caplog.records
    rounded = as_dataset((IMAGES[:3] / 255 * 0.999, IMAGES[3:]))
    assert rounded.validation.images.dtype == np.uint8
    assert "data, train: the floats are rounded to 256 levels" in caplog.text


def test_the_fingerprint_tells_parts_and_labels():
    found = {
        fingerprint(as_dataset(data))
        for data in (
            IMAGES, IMAGES[:49], (IMAGES[:30], IMAGES[30:]), (IMAGES[:30], IMAGES[30:40], IMAGES[40:]),
            (IMAGES[:30], IMAGES[40:], IMAGES[30:40]), split(IMAGES), split(IMAGES, label=2),
        )
    }  # fmt: skip
    assert len(found) == 7
    assert fingerprint(as_dataset(split(IMAGES))) == fingerprint(as_dataset(split(IMAGES, dataset="renamed")))


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (IMAGES[:2], ValueError, "data has 2 training images: expected at least 3, from which 2 can be split off"),
        ((IMAGES[:1], IMAGES), ValueError, "data has 1 training image: expected at least 2"),
        (IMAGES[0], ValueError, r"data: got shape \(6, 5, 1\); expected \(batch, any, any, any\)"),
        (IMAGES / 100, ValueError, "data: got float64 from 0"),
        ((IMAGES, IMAGES[:, :4]), ValueError, r"data, validation: images of shape \(4, 5, 1\): expected \(6, 5, 1\)"),
        ((IMAGES, np.zeros(50)), ValueError, r"data, validation: got shape \(50,\)"),
        ((), TypeError, "data is a tuple of : expected an array of images, a zoo.Dataset"),
        ((IMAGES,) * 4, TypeError, "data is a tuple of ndarray, ndarray, ndarray, ndarray: expected"),
        (iter([IMAGES]), TypeError, "data is list_iterator: expected an array of images"),
        ("mnist", TypeError, "data is str: expected an array of images"),
    ],
)
def test_what_is_refused(data, error, words):
    with pytest.raises(error, match=words):
        as_dataset(data)


def test_the_description_has_settings_by_the_number_of_images():
    few, many = (describe_given(as_dataset(np.repeat(IMAGES, times, axis=0))) for times in (1, 700))
    assert few.recipe["batch_size"] < many.recipe["batch_size"]
    assert few.recipe["epochs"] > many.recipe["epochs"]
    assert few.load(None).name == few.name == "array"
