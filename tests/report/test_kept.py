"""A model's pictures are drawn once, as long as all that they depend on is the same."""

import dataclasses

import numpy as np
from markupsafe import Markup

import zoo
from zoo.data import image_cache
from zoo.report import pages, write_report
from zoo.report.album import Album
from zoo.report.kept import find_album, keep_album
from zoo.report.pictures import Sheet, make_sheet


def refuse(*arguments):
    raise RuntimeError("drawn again")


def test_all_that_an_album_has_is_kept():
    sheet = make_sheet(np.zeros((3, 4, 4, 1)), "Three images", "label")
    of_type = {
        "list[Sheet]": [sheet, sheet],
        "Sheet | None": sheet,
        "Markup | None": Markup("<svg></svg>"),
        "list[str]": ["one", "two"],
        "str": "text",
    }
    album = Album(**{
        it.name: of_type.get(it.type, [("a", "b"), ("c", "d")]) for it in dataclasses.fields(Album)
    })  # fmt: skip
    keep_album("key", album, ["note"])
    assert find_album("key") == (album, ["note"])
    assert type(find_album("key")[0].by_group[0]) is Sheet


def test_pages_are_drawn_once(tiny, few_pictures, tmp_path, monkeypatch):
    out = tmp_path / "runs"
    run = zoo.train("tiny_cnn/tiny", epochs=1, out=out, progress=False)
    (tmp_path / "file").write_text("")
    with monkeypatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(tmp_path / "file"))  # Where nothing can be kept, they are drawn.
        first = write_report(out).read_text()
    assert "data:image/webp" in first
    assert write_report(out).read_text() == first
    monkeypatch.setattr(pages, "load_model", refuse)
    assert write_report(out).read_text() == first
    (entry,) = image_cache.list_entries()
    assert (entry.name, entry.folder) == ("reports", "(pages of reports)")
    (kept,) = (image_cache.cache_folder() / "reports").iterdir()
    content = kept.read_text()
    kept.write_text('{"album": {"samples": 3}, "notes": []}')
    assert "drawn again" in write_report(out).read_text()  # What is damaged is not shown.
    kept.write_text(content)
    with (run.path / "model.keras").open("ab") as file:
        file.write(b"\0")
    text = write_report(out).read_text()
    assert "drawn again" in text
    assert "No pictures can be drawn without a model" in text
