"""Files whose arrays or archives ask for more than they hold, or are another file than they seem: refused."""

import io
import os
import zipfile

import h5py
import numpy as np
import pytest
from support.keras_files import make_saved, refused

import zoo


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return make_saved(tmp_path_factory.mktemp("saved"), train=True)[1]


def replaced(saved, target, member, content, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(target, "w", compression) as copied:
        for name in source.namelist():
            copied.writestr(name, content if name == member else source.read(name))
    return target


def hdf5(build):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        build(file)
    return buffer.getvalue()


def nest(file):
    group = file
    for _ in range(150):
        group = group.create_group("g")


def lay_over(file):
    for number in range(40_001):
        file.create_group(str(number))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda file: file.create_dataset("d", data=np.arange(99), compression="gzip"), "stores /d in chunks"),
        (lambda file: file.create_dataset("d", data=np.zeros((99, 99)), chunks=(3, 3)), "stores /d in chunks"),
        (lambda file: [file.create_dataset("e", (200,), "u1", data=[1] * 200), file.create_dataset("d", (99,), "f4")],
         "claims that /d has 396 bytes, but stores 0 of them"),
        (lambda file: file.create_dataset("d", data="text"), "has no numbers in /d"),
        (lambda file: file.create_dataset("d", data=h5py.Empty("f4")), "has no numbers in /d"),
        (nest, "nests groups more than 100 levels deep"),
        (lay_over, "has more than 40,000 groups and arrays"),
        (lambda file: [file.attrs.create(f"a{it}", it) for it in range(50)], "has 50 attributes at /"),
    ],
    ids=["filter", "chunks", "not stored", "text", "empty", "deep", "many", "attributes"],
)  # fmt: skip
def test_weights_that_would_unpack_or_never_end(saved, tmp_path, build, words):
    file = replaced(saved, tmp_path / "model.keras", "model.weights.h5", hdf5(build))
    assert f"refused: its model.weights.h5 {words}" in refused(file)


def test_weights_that_shrink_in_the_archive_are_not_unpacked(saved, tmp_path):
    content = hdf5(lambda file: file.create_dataset("d", data=np.zeros(3_000_000, "f4")))
    file = replaced(saved, tmp_path / "model.keras", "model.weights.h5", content, zipfile.ZIP_DEFLATED)
    assert "refused: model.weights.h5 would unpack from" in refused(file)


def test_an_archive_that_was_packed_again_is_read(saved, tmp_path):
    with zipfile.ZipFile(saved) as source:
        weights = source.read("model.weights.h5")
    file = replaced(saved, tmp_path / "again.keras", "model.weights.h5", weights, zipfile.ZIP_DEFLATED)
    np.testing.assert_array_equal(zoo.load_model(file).get_weights()[0], zoo.load_model(saved).get_weights()[0])


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5", "model.txt", "model"])
def test_the_content_says_what_it_is(saved, tmp_path, name):
    (tmp_path / name).write_bytes(saved.read_bytes())
    assert zoo.load_model(tmp_path / name).latent_shape == (3,)


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
@pytest.mark.parametrize("before", [b"\x89HDF\r\n\x1a\n" + bytes(504), b"PK\x03\x04" + bytes(40), b"#!/bin/sh\n"])
def test_nothing_may_stand_before_the_archive(saved, tmp_path, name, before):
    (tmp_path / name).write_bytes(before + saved.read_bytes())
    assert "not a .keras file: " in refused(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.keras")
    assert "expected a regular file" in refused(tmp_path / "model.keras")


def test_what_was_checked_is_what_is_read(saved, tmp_path, monkeypatch):
    """The file is replaced as soon as its names have been checked."""
    from zoo.saving.keras_file import check_names

    file = tmp_path / "model.keras"
    file.write_bytes(saved.read_bytes())

    def check_and_replace(content):
        check_names(content)
        file.write_bytes(b"something else")

    monkeypatch.setattr("zoo.saving.load.check_names", check_and_replace)
    assert zoo.load_model(file).latent_shape == (3,)
