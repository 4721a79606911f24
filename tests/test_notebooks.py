"""What notebooks and the interpreter show of the zoo's objects."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import notebooks
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.benchmarking.table import FailedRun, Table
from zoo.data.given import as_dataset
from zoo.testing.runner import CheckResult, Report

EVIL = "<script>alert('x')</script> & [bold]_a_"
IMAGES = np.random.default_rng(0).integers(0, 256, (30, 6, 5, 3), np.uint8)


class Reader(HTMLParser):
    """Collects the text and the tags of a piece of HTML, and checks that every tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.text, self.sources = [], set(), [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "img":
            self.sources.append(dict(attrs)["src"])
        else:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(item):
    found = Reader(item._repr_html_())
    assert "script" not in found.tags
    return found


def test_all_text_is_escaped():
    html = notebooks.show_title(EVIL) + notebooks.show_text(EVIL) + notebooks.show_table((EVIL, "n"), [(EVIL, 1)], 1)
    found = Reader(html + notebooks.show_images(IMAGES[:1], EVIL))
    assert found.tags == {"div", "strong", "table", "thead", "tbody", "tr", "th", "td", "img"}
    assert found.text.count(EVIL) == 4


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_images_are_a_picture(channels):
    images = np.repeat(IMAGES[:4, ..., :1], channels, axis=-1)
    (source,) = Reader(notebooks.show_images(images, "four")).sources
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape[:2] == (6, 20)
    shown = pixels if pixels.ndim == 2 else pixels[..., 0]
    np.testing.assert_array_equal(shown, np.concatenate(list(images[..., 0]), axis=1))


def test_datasets_and_splits():
    dataset = as_dataset(IMAGES)
    assert repr(dataset) == "Dataset(array: 24 / 3 / 3 images of shape (6, 5, 3))"
    assert repr(dataset.test) == "Split(array test: 3 images of shape (6, 5, 3))"
    assert dataset.train.sha256[:12] in "".join(read(dataset).text)
    assert len(read(dataset.test).sources) == 1
    assert EVIL in "".join(read(zoo.Split(IMAGES, np.zeros(30, int), EVIL, "test")).text)


def test_model_info():
    info = zoo.get_model_info("small_cnn/mnist")
    assert repr(info).startswith("ModelInfo(small_cnn/mnist: Two convolution and pooling stages")
    assert {"28 x 28 x 1", "discretized_logistic", "zoo.plugins.small_cnn"} <= set(read(info).text)
    assert "images of" not in repr(zoo.get_model_info("small_cnn"))


def test_models(clean_registry, add):
    model = zoo.create_model("small_cnn/mnist", filters=[4], latent_dim=3)
    count = model.encoder.count_params() + model.decoder.count_params()
    text = f"AutoEncoder(small_cnn/mnist: 28 x 28 x 1 to 3, discretized_logistic, {count:,} parameters)"
    assert repr(model) == text
    assert f"{count:,}" in read(model).text
    add("mine")
    mixed = zoo.create_model(
        encoder="mine", decoder="small_cnn", image_shape=(8, 8, 1), latent_dim=3, decoder_config={"filters": [4]}
    )
    assert repr(mixed).startswith("AutoEncoder(mine and small_cnn: 8 x 8 x 1 to 3, ")
    bare = zoo.AutoEncoder(
        mixed.encoder, mixed.decoder, "discretized_logistic", "threshold", name=EVIL.replace("/", "")
    )
    assert repr(bare).startswith(f"AutoEncoder({bare.name}: ")
    assert bare.name in read(bare).text


@pytest.mark.usefixtures("few_pictures")
def test_runs(tmp_path):
    settings = {"filters": [4], "latent_dim": 2, "epochs": 2, "batch_size": 8, "progress": False}
    run = zoo.train("small_cnn", data=IMAGES, out=tmp_path, **settings)
    assert repr(run) == f"Run({run.path}: finished)"
    assert zoo.Run(str(run.path)) == run
    found = read(run)
    assert {"-ELBO", "nats/image", f"{run.scores['negative_elbo']:,.2f}"} <= set(found.text)
    assert not found.sources
    Image.new("L", (4, 4)).save(run.path / "reconstructions.png")
    assert len(read(run).sources) == 1
    assert run.history["epoch"] == [1, 2]
    assert min(run.history["val_loss"]) == run.best["loss"]
    assert zoo.plot_history(run).axes[0].lines[1].get_ydata().tolist() == run.history["val_loss"]
    assert repr(zoo.Run(tmp_path)) == f"Run({tmp_path}: damaged)"
    read(zoo.Run(tmp_path))


def test_leaderboards(tmp_path):
    from support.paths import ROOT

    board = json.loads((ROOT / "docs" / "leaderboard" / "leaderboard.json").read_text())
    tables = [Table.from_dict(table) for table in board["tables"]]
    shown = Leaderboard(tables, [FailedRun(EVIL, 0, "why")], tmp_path)
    assert re.fullmatch(rf"Leaderboard\({tmp_path}: (\w+, \d+ rows; )+1 failed\)", repr(shown))
    found = read(shown)
    assert {row.model for table in tables for row in table.rows} <= set(found.text)
    assert f"failed: {EVIL}, seed 0: why" in found.text
    assert repr(Leaderboard([], [], tmp_path)) == f"Leaderboard({tmp_path}: empty)"


def test_reports_of_checks():
    results = [CheckResult("one", "passed", 1.0, None, "a"), CheckResult("two", "failed", 0.5, EVIL, "b")]
    report = Report("mine", results)
    assert repr(report) == "Report(mine: 1 passed, 1 failed in 1.5 s)"
    assert EVIL in read(report).text
    assert repr(Report("mine")) == "Report(mine: no check was run in 0.0 s)"
