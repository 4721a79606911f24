"""Folders of any size: decoded once, by several processes, into files that are mapped."""

import json
import logging
import mmap
import os
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data import decoding, folder, image_cache
from zoo.data.mapped import RowReader, find_map, in_blocks
from zoo.errors import DatasetError

SHAPE = (8, 8, 3)
PARTS = ("train", "validation", "test")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that takes every folder, however small."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(folder, "CACHED", 0)
    return tmp_path / "cache"


@pytest.fixture
def images(tmp_path):
    root = tmp_path / "photos"
    for number in range(60):
        noise = np.random.default_rng(number).integers(0, 256, SHAPE).astype("uint8")
        (root / f"class {number % 3}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise).save(root / f"class {number % 3}" / f"{number}.png")
    return root


@pytest.fixture
def several(monkeypatch):
    """Two processes decode, a few files at a time."""
    monkeypatch.setattr(decoding, "_processors", lambda: 2)
    monkeypatch.setattr(decoding, "_EACH", 1)
    monkeypatch.setattr(decoding, "_MOST", 7)


def arrays(dataset):
    return [np.array(getattr(getattr(dataset, part), name)) for part in PARTS for name in ("images", "labels")]


def without_cache(root, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(folder, "CACHED", 2**60)
        dataset = zoo.load_images(root, SHAPE)
    assert find_map(dataset.train.images) is None
    return arrays(dataset)


def assert_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_images_are_those_decoded_in_memory(cache, images, several, monkeypatch, caplog):
    (images / "class 0" / "broken.png").write_text("no picture")
    (images / "class 1" / "0 first.png").write_text("no picture")
    Image.new("RGB", (20, 10), "red").save(images / "class 2" / "large.png")
    expected = without_cache(images, monkeypatch)
    said = list(caplog.messages)
    caplog.clear()
    made = zoo.load_images(images, SHAPE)
    again = zoo.load_images(images, SHAPE)
    assert_equal(arrays(made), expected)
    assert_equal(arrays(again), expected)
    for part in PARTS:
        assert find_map(getattr(again, part).images) is not None
        assert getattr(again, part).images.dtype == np.uint8
    size, *others = caplog.messages
    assert size.startswith(f"{images}: 61 decoded images are kept in {cache}")
    assert others == said * 2
    assert len(said) == 2  # What was resized, and what cannot be read.


def test_an_entry_is_used_until_a_file_changes(cache, images, monkeypatch):
    zoo.load_images(images, SHAPE)

    def refuse(*arguments):
        raise AssertionError("decoded again")

    with monkeypatch.context() as patch:
        patch.setattr(image_cache, "decode_files", refuse)
        zoo.load_images(images, SHAPE)
    file = images / "class 1" / "1.png"
    before = file.stat()
    Image.new("RGB", SHAPE[:2], "white").save(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    dataset = zoo.load_images(images, SHAPE)
    assert_equal(arrays(dataset), without_cache(images, monkeypatch))
    assert sum((getattr(dataset, part).images == 255).all(axis=(1, 2, 3)).sum() for part in PARTS) == 1
    (images / "class 1" / "4.png").unlink()
    assert sum(len(getattr(zoo.load_images(images, SHAPE), part)) for part in PARTS) == 59
    zoo.load_images(images, (4, 4, 1))
    assert [(entry.folder, entry.images) for entry in image_cache.list_entries()] == [(str(images), 59)] * 2


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "pixels").write_bytes(b"short"),
        lambda entry: flip(entry / "pixels"),
        lambda entry: (entry / "pixels").unlink(),
        lambda entry: (entry / "entry.json").write_text("{"),
        lambda entry: (entry / "entry.json").write_text(
            json.dumps({**json.loads((entry / "entry.json").read_text()), "left_out": 3})
        ),
        lambda entry: (entry / "entry.json").unlink(),
    ],
    ids=["truncated", "changed", "absent", "no record", "wrong record", "no JSON"],
)
def test_a_damaged_entry_is_made_again(cache, images, monkeypatch, damage):
    zoo.load_images(images, SHAPE)
    (entry,) = cache.iterdir()
    damage(entry)
    assert_equal(arrays(zoo.load_images(images, SHAPE)), without_cache(images, monkeypatch))
    assert [it.images for it in image_cache.list_entries()] == [60]


def test_where_the_cache_cannot_be_written_images_are_decoded_in_memory(cache, images, monkeypatch, caplog):
    cache.write_text("a file")
    assert_equal(arrays(zoo.load_images(images, SHAPE)), without_cache(images, monkeypatch))
    assert f"the cache in {cache} cannot be written" in caplog.text


def test_small_folders_are_not_cached(tmp_path, images, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    zoo.load_images(images, SHAPE)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("fails", ["exits", "runs out of space"])
def test_a_process_that_fails_leaves_nothing(cache, images, several, monkeypatch, fails, tmp_path):
    wrong = tmp_path / "python"
    what = "exit 3" if fails == "exits" else """read line; echo '[[28, "No space left on device", "x"], [], []]'"""
    wrong.write_text(f"#!/bin/sh\n{what}\n")
    wrong.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(wrong))
    if fails == "exits":
        with pytest.raises(DatasetError, match="the process that decodes images ended with the status 3 at one of"):
            zoo.load_images(images, SHAPE)
    else:
        zoo.load_images(images, SHAPE)  # In memory.
    assert list(cache.iterdir()) == []


def test_the_command_lists_and_removes(cache, images, command, monkeypatch):
    assert "is empty" in command("cache").output
    zoo.load_images(images, SHAPE)
    (entry,) = image_cache.list_entries()
    shutil.copytree(cache / entry.name, cache / f".{entry.name}-0123abcd")  # As a process that was killed leaves it.
    (cache / "of someone else").mkdir()
    listed = json.loads(command("cache", "--json").stdout)
    assert {it["name"] for it in listed} == {entry.name, f".{entry.name}-0123abcd"}
    assert all(it["folder"] == str(images) and it["images"] == 60 and it["bytes"] > 60 * 192 for it in listed)
    assert entry.name in command("cache").stdout
    refused = command("cache", "--remove", "of someone else")
    assert refused.exit_code == 2
    assert "is no entry of the cache" in refused.stderr
    assert command("cache", "--remove", entry.name).exit_code == 0
    assert not (cache / entry.name).exists()
    assert command("cache", "--remove-all").exit_code == 0
    assert [it.name for it in cache.iterdir()] == ["of someone else"]


def test_mapped_arrays_are_not_copied_nor_kept_in_memory(tmp_path):
    expected = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1)).astype("uint8")
    np.save(tmp_path / "images.npy", expected)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    split = zoo.Split(mapped, np.zeros(50, int), "own", "train")
    assert isinstance(find_map(split.images[3:].reshape(47, -1)), mmap.mmap)
    assert split.sha256 == zoo.Split(expected, np.zeros(50, int), "own", "train").sha256
    np.testing.assert_array_equal(np.concatenate(list(in_blocks(split.images, 7))), expected)
    rows = np.array([49, 0, 7])
    np.testing.assert_array_equal(RowReader(split.images)(rows), expected[rows])
    own = np.load(tmp_path / "images.npy", mmap_mode="c")
    own[0] = 7
    list(in_blocks(own, 1))
    assert (own[0] == 7).all()  # It is in memory alone.


def test_progress_and_size_are_said(cache, images, caplog, capfd):
    caplog.set_level(logging.INFO)
    zoo.load_images(images, SHAPE)
    assert "GB); zoo cache lists and removes such entries" in caplog.text
    assert f"decoding {images}: 60 images" in capfd.readouterr().err
