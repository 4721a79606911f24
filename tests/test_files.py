"""Figures keep a note; what is no regular file of bounded size is not read, and nothing outside a folder is changed."""

import json
import os
import socket
import sys

import pytest
from matplotlib.figure import Figure

from zoo.files import (
    UnfitFileError,
    copy_file,
    open_file,
    read_bytes,
    read_json,
    read_note,
    read_text,
    sha256_of,
    write_figure,
    write_own,
    write_text,
)

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no such files there")


@pytest.mark.parametrize("note", [[["small_cnn/mnist", "0" * 64]], {"a": None}, "text"])
def test_a_picture_keeps_its_note(tmp_path, note):
    write_figure(tmp_path / "it.png", Figure(), note)
    assert read_note(tmp_path / "it.png") == note


def test_pictures_without_a_note(tmp_path):
    write_figure(tmp_path / "none.png", Figure())
    write_figure(tmp_path / "cut.png", Figure(), "note")
    content = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.png").write_text("no picture")
    for name in ("none", "cut", "text", "absent"):
        assert read_note(tmp_path / f"{name}.png") is None


def make_odd(path, kind):
    """Make something that is no regular file of a plausible size."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "link":
        (path.parent / "secret").write_text("{}")
        path.symlink_to(path.parent / "secret")
    elif kind == "link to nothing":
        path.symlink_to(path.parent / "nothing")
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    else:
        with path.open("wb") as file:
            file.truncate(2**40)


ODD = {
    "pipe": "it is a pipe: expected a regular file",
    "device": "it is a link, which is not followed",
    "link": "it is a link, which is not followed",
    "link to nothing": "it is a link, which is not followed",
    "folder": "it is a folder: expected",
    "socket": "it is a socket: expected",
    "sparse": "it has 1,099,511,627,776 bytes: expected at most",
}


@POSIX
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("read", [read_bytes, read_text, read_json, sha256_of, open_file])
def test_what_is_no_regular_file_is_not_read(tmp_path, monkeypatch, kind, read):
    monkeypatch.chdir(tmp_path)  # The path of a socket is short.
    make_odd(tmp_path / "odd", kind) if kind != "socket" else make_odd((tmp_path / "odd").relative_to(tmp_path), kind)
    with pytest.raises(UnfitFileError) as caught:
        read(tmp_path / "odd")
    assert str(caught.value).startswith(ODD[kind])
    assert caught.value.strerror == str(caught.value)
    assert read_note(tmp_path / "odd") is None


@POSIX
def test_a_file_of_holes_is_not_read(tmp_path):
    for name, kept in (("hollow", 1), ("half", 100), ("small", 1)):
        with (tmp_path / name).open("wb") as file:
            file.write(b"PK" + b"x" * kept * 2**20)
            file.truncate((200 if name != "small" else 60) * 2**20)
    if (tmp_path / "hollow").stat().st_blocks * 512 > 100 * 2**20:
        pytest.skip("this file system has no holes")
    with pytest.raises(UnfitFileError, match="its 209,715,200 bytes are holes for the most part: expected data"):
        sha256_of(tmp_path / "hollow")
    for name in ("half", "small"):
        with open_file(tmp_path / name) as file:
            assert file.read(2) == b"PK"


@POSIX
def test_a_link_that_the_user_names_is_followed_to_a_file_alone(tmp_path):
    make_odd(tmp_path / "link", "link")
    assert read_json(tmp_path / "link", links=True) == {}
    make_odd(tmp_path / "zero", "device")
    with pytest.raises(UnfitFileError, match="it is a device: expected a regular file"):
        read_json(tmp_path / "zero", links=True)


@POSIX
@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="no such files there")
def test_a_file_that_hides_its_size_is_read_no_further_than_allowed():
    from pathlib import Path

    with pytest.raises(UnfitFileError, match="it has more than 10 bytes"):
        read_bytes(Path("/proc/self/maps"), most=10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested more than 32 levels"),
        ("[" * 34 + "]" * 34, "nested more than 32 levels"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested more than 32 levels"),
        ("[" + "[]," * 999_999 + "[]]", "more than 1,000,000 values"),
        ("[NaN]", "it has NaN: expected finite numbers"),
        ("[-Infinity]", "it has -Infinity: expected finite numbers"),
        ("1e999", "the number 1e999: expected at most"),
        ("1e308", "the number 1e308: expected at most"),
        ("9" * 5000, r"the number 9{30}\.\.\.: expected at most 2\*\*63 - 1"),
        ("-9223372036854775809", "expected at most"),
        ('"a', "Unterminated string"),
    ],
)
def test_json_that_is_no_data_of_ours(tmp_path, text, words):
    (tmp_path / "it.json").write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        read_json(tmp_path / "it.json")
    assert len(str(caught.value)) < 200


def test_plain_json_is_read(tmp_path):
    content = {"a": [1, -2.5, 3.4e38, None, True, "\ud800\x1b"], "b": {"c": [[]] * 1000}, "n": 2**63 - 1}
    (tmp_path / "it.json").write_text(json.dumps(content))
    assert read_json(tmp_path / "it.json") == content
    (tmp_path / "it.json").write_text("[" * 32 + "]" * 32)
    read_json(tmp_path / "it.json")


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "it").write_bytes(b"ab\xff")
    with pytest.raises(ValueError, match=r"^byte 2 is not UTF-8 text$"):
        read_text(tmp_path / "it")


def test_text_that_no_file_can_hold_is_written_escaped(tmp_path):
    write_text(tmp_path / "it", "a\udcff\ud800é")
    assert (tmp_path / "it").read_text(encoding="utf-8") == "a\\udcff\\ud800é"


@POSIX
def test_writing_changes_nothing_outside_a_folder(tmp_path):
    (tmp_path / "thesis").write_text("my only copy")
    (tmp_path / "link").symlink_to(tmp_path / "thesis")
    os.link(tmp_path / "thesis", tmp_path / "twin")
    for name, words in (("link", "it is a link"), ("twin", "it is another name of a file elsewhere")):
        with pytest.raises(UnfitFileError, match=words):
            write_own(tmp_path / name, "x")
        write_text(tmp_path / name, "new")
        assert (tmp_path / "thesis").read_text() == "my only copy"
        assert (tmp_path / name).read_text() == "new"
    write_own(tmp_path / "link", "1")
    assert (tmp_path / "link").read_text() == "1"


@POSIX
def test_a_copy_is_of_a_regular_file(tmp_path):
    make_odd(tmp_path / "odd", "link")
    with pytest.raises(UnfitFileError, match="it is a link"):
        copy_file(tmp_path / "odd", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    copy_file(tmp_path / "secret", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "{}"
