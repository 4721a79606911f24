"""``zoo new``: names that cannot be, and files that it leaves alone."""

import os
from pathlib import Path

import pytest

from zoo.scaffolding import writing
from zoo.scaffolding.names import LONGEST


def check_refused(result, status, words):
    assert result.exit_code == status
    (line,) = result.stderr.splitlines()
    assert words in line
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("My-AE", "underscores, beginning with a letter, such as my_ae"),
        ("my__ae", "single underscores, beginning with a letter, such as my_ae"),
        ("my_ae_", "single underscores, beginning with a letter, such as my_ae"),
        ("a" * 300, f"the name '{'a' * 40}...': expected at most 40"),
        ("3d", "beginning with a letter, such as my_3d"),
        ("", "beginning with a letter, such as my_ae"),
        ("JSON", "beginning with a letter, such as my_json"),
        ("a" * (LONGEST + 1), f"expected at most {LONGEST} lower-case letters"),
        ("class", "'class' is a keyword of Python: choose another one, such as my_class"),
        ("json", "a module of Python's standard library, which a package of that name would hide"),
        ("zoo", "taken by an importable module"),
        ("numpy", "taken by an importable module"),
        ("pyyaml", "taken by an installed distribution (version "),
        ("torch", "such as my_torch"),
        ("small_cnn", "taken by an architecture of the zoo (registry.yaml of autoencoder-zoo"),
        ("mnist", "taken by a dataset of the zoo"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--here"]])
def test_a_name_that_cannot_be(new, name, words, options):
    check_refused(new("--", name) if not options else new(*options, "--", name), 2, words)
    assert not os.listdir()


def test_a_plugin_file_may_become_a_package(new, monkeypatch):
    assert new("my_ae", "--here").exit_code == 0
    monkeypatch.syspath_prepend(Path.cwd())  # As python -m zoo does.
    assert new("my_ae").exit_code == 0


def test_here_and_out(new):
    result = new("my_ae", "--here", "--out", "there")
    assert result.exit_code == 2
    assert "leave out --out" in result.stderr


@pytest.mark.parametrize("options", [[], ["--here"]])
@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_nothing_is_overwritten(new, options, kind):
    path = Path("my_ae.py" if options else "my_ae")
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_text("mine\n")
    else:
        path.symlink_to("nowhere")
    check_refused(new("my_ae", *options), 1, f"{path} already exists: move it away, or choose another name")
    assert os.listdir() == [str(path)]
    assert kind != "file" or path.read_text() == "mine\n"


def test_a_folder_that_cannot_be_written_to(new):
    Path("file").touch()
    check_refused(new("my_ae", "--out", "file/there"), 1, "file/there: cannot be written to: Not a directory: choose")
    assert os.listdir() == ["file"]


@pytest.mark.parametrize("options", [[], ["--here"]])
def test_nothing_stays_of_what_fails_half_way(new, options, monkeypatch):
    write = writing._write_new

    def fail(path, text):
        if path.name in ("model.py", "registry.yaml"):
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr("zoo.scaffolding.writing._write_new", fail)
    check_refused(new("my_ae", *options), 1, ".: cannot be written to: No space left on device: choose another folder")
    assert not os.listdir()
