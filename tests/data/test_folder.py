import logging
import os

import numpy as np
import pytest
from PIL import Image
from support.data_files import not_root

from zoo.data.folder import load_images
from zoo.errors import DatasetError

PARTS = ("train", "validation", "test")


def write_image(path, value=100, size=(6, 5)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path)


def write_images(folder, count, first=0):
    for i in range(first, first + count):
        write_image(folder / f"{i}.png", i)


def list_values(dataset):
    """Return for each part what the images are filled with."""
    return {part: getattr(dataset, part).images[:, 0, 0, 0].tolist() for part in PARTS}


def join_values(dataset):
    return sorted(value for values in list_values(dataset).values() for value in values)


def test_sub_folders_are_classes(tmp_path):
    for label, name in enumerate(["bird", "cat", "dog"]):
        for i in range(20):
            write_image(tmp_path / name / f"{i}.png", 10 * label + 10)
    write_image(tmp_path / "cat" / "black" / "deep" / "x.PNG", 20)
    dataset = load_images(str(tmp_path), (5, 6, 1))
    assert dataset.name == f"folder:{tmp_path}"
    assert dataset.classes == ("bird", "cat", "dog")
    assert sum(len(getattr(dataset, part)) for part in PARTS) == 61
    for part in PARTS:
        split = getattr(dataset, part)
        assert split.labels.dtype == np.int64
        np.testing.assert_array_equal(split.images[:, 0, 0, 0], 10 * split.labels + 10)
        assert (split.dataset, split.part, len(split.sha256)) == (dataset.name, part, 64)
    assert set(dataset.train.labels[:10]) == {0, 1, 2}  # No class comes first.


def test_without_sub_folders_there_is_one_class(tmp_path):
    write_images(tmp_path, 100)
    dataset = load_images(tmp_path, (5, 6, 3))
    assert dataset.classes == ("images",)
    assert dataset.image_shape == (5, 6, 3)
    assert repr(dataset).endswith(": 82 / 10 / 8 images of shape (5, 6, 3))")
    assert set(dataset.test.labels) == {0}
    assert join_values(dataset) == list(range(100))


def test_a_new_file_moves_no_other(tmp_path):
    write_images(tmp_path, 60)
    before = list_values(load_images(tmp_path, (5, 6, 1)))
    write_images(tmp_path, 40, first=60)
    after = list_values(load_images(tmp_path, (5, 6, 1)))
    for part in PARTS:
        assert [value for value in after[part] if value < 60] == before[part]


def test_splits_depend_on_the_names_alone(tmp_path):
    write_images(tmp_path / "a", 30)
    for i in reversed(range(30)):
        write_image(tmp_path / "b" / f"{i}.png", i, size=(7, 7))
    assert list_values(load_images(tmp_path / "a", (5, 6, 1))) == list_values(load_images(tmp_path / "b", (5, 6, 1)))


@pytest.mark.parametrize("count", [3, 4, 5, 10])
def test_no_split_is_empty(tmp_path, count):
    for start in range(5):
        folder = tmp_path / str(start)
        write_images(folder, count, first=start * 20)
        assert all(list_values(load_images(folder, (5, 6, 1))).values())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_images_are_not_enough(tmp_path, count):
    write_images(tmp_path, count)
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(
        DatasetError, match=rf"has {count} image files with extensions that Pillow knows, .* expected at least 3"
    ):
        load_images(tmp_path, (5, 6, 1))


def test_what_is_resized_is_said_once(tmp_path, caplog):
    write_images(tmp_path, 10)
    for i in range(10, 14):
        write_image(tmp_path / f"{i}.png", i, size=(20, i))
    load_images(tmp_path, (5, 6, 1))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("4 of 14 images: resized from 20x1")
    assert caplog.messages[0].endswith(" and 1 more to 6x5")


def test_unreadable_files_are_left_out_with_one_warning(tmp_path, caplog):
    write_images(tmp_path, 8)
    for name in ("a.png", "b.jpg", "c.gif"):
        (tmp_path / name).write_text("no picture")
    (tmp_path / "d.png").symlink_to(tmp_path / "absent")
    dataset = load_images(tmp_path, (5, 6, 1))
    assert join_values(dataset) == list(range(8))
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert warning.message.startswith(
        f"{tmp_path}: 4 of 12 image files and folders could not be read and were left out: "
    )
    assert "(not a format that Pillow knows)" in warning.message
    assert warning.message.endswith(" and 1 more")


def test_where_nothing_can_be_read_it_is_an_error(tmp_path):
    for name in ("a.png", "b.png", "c.png", "d.png"):
        (tmp_path / name).write_text("no picture")
    with pytest.raises(
        DatasetError, match=r"none of its 4 image files can be read.*unreadable: .*not a format.* and 1 more"
    ):
        load_images(tmp_path, (5, 6, 1))
    write_images(tmp_path, 2)
    with pytest.raises(DatasetError, match=r"only 2 of its 6 image files can be read, expected at least 3"):
        load_images(tmp_path, (5, 6, 1))


def test_hidden_and_other_files_are_passed_over(tmp_path, caplog):
    write_images(tmp_path, 5)
    write_image(tmp_path / ".hidden.png")
    write_image(tmp_path / ".thumbnails" / "small.png")
    (tmp_path / "._1.png").write_text("of a Mac")
    (tmp_path / "labels.csv").write_text("1,2")
    (tmp_path / "png").write_text("no ending")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    dataset = load_images(tmp_path, (5, 6, 1))
    assert join_values(dataset) == list(range(5))
    assert dataset.classes == ("images",)
    assert not caplog.messages


def test_images_beside_classes_are_refused(tmp_path):
    write_images(tmp_path / "cat", 3)
    write_images(tmp_path, 2)
    with pytest.raises(
        DatasetError, match=r"has 2 images \(0.png, 1.png\) next to folders of images \(cat\), expected"
    ):
        load_images(tmp_path, (5, 6, 1))


def test_links_are_followed_once(tmp_path):
    write_images(tmp_path / "real", 6)
    folder = tmp_path / "linked"
    write_image(folder / "cat" / "own.png", 50)
    (folder / "cat" / "one.png").symlink_to(tmp_path / "real" / "5.png")
    (folder / "cat" / "circle").symlink_to(folder)
    (folder / "dog").symlink_to(tmp_path / "real")
    (folder / "dog2").symlink_to(tmp_path / "real")
    dataset = load_images(folder, (5, 6, 1))
    assert dataset.classes == ("cat", "dog")
    assert join_values(dataset) == [0, 1, 2, 3, 4, 5, 5, 50]


@not_root
def test_what_may_not_be_read_is_left_out(tmp_path, caplog):
    write_images(tmp_path, 6)
    write_images(tmp_path / "closed", 2)
    (tmp_path / "closed").chmod(0)
    (tmp_path / "0.png").chmod(0)
    try:
        dataset = load_images(tmp_path, (5, 6, 1))
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert join_values(dataset) == [1, 2, 3, 4, 5]
    assert "2 of 7 image files and folders could not be read" in caplog.text
    assert "closed (Permission denied)" in caplog.text


def test_a_folder_that_may_not_be_listed_is_left_out(tmp_path, caplog, monkeypatch):
    write_images(tmp_path / "open", 4)
    write_images(tmp_path / "closed", 4)
    scan = os.scandir

    def list_open(path):
        if os.path.basename(os.path.normpath(path)) == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", list_open)
    assert load_images(tmp_path, (5, 6, 1)).classes == ("open",)
    assert (
        "1 of 5 image files and folders could not be read and were left out: closed (Permission denied)" in caplog.text
    )


@pytest.mark.parametrize("shape", [(28, 28), (0, 28, 1), "28", 28, (28.5, 28, 1)])
def test_the_shape_is_checked(tmp_path, shape):
    with pytest.raises(ValueError, match=r"image_shape .*: expected"):
        load_images(tmp_path, shape)


def test_other_errors(tmp_path):
    with pytest.raises(DatasetError, match="images with 2 channels are requested: image files have 1, 3 or 4"):
        load_images(tmp_path, (5, 6, 2))
    for absent in (tmp_path / "absent", "a\0b"):
        with pytest.raises(DatasetError, match="is not a folder, expected one that contains images"):
            load_images(absent, (5, 6, 1))
    write_images(tmp_path, 4)
    with pytest.raises(DatasetError, match=r"4 images of shape .* do not fit into the cache: choose a smaller"):
        load_images(tmp_path, (2**28, 2**28, 4))


def test_names_that_are_no_text(tmp_path):
    write_images(tmp_path / os.fsdecode(b"caf\xe9"), 4)
    dataset = load_images(tmp_path, (5, 6, 1))
    assert dataset.classes == ("caf\udce9",)
    assert dataset.limit(1).train.sha256
