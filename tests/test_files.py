"""Figures keep a note, and files that are no such figures have none."""

import pytest
from matplotlib.figure import Figure

from zoo.files import read_note, write_figure


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
