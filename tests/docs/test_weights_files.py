"""The weights in the zoo's own package: small, whole, with cards and a gallery of their own, and scored as they say."""

import os
import runpy

import pytest
from support.paths import ROOT

import zoo
from zoo.benchmarking.verify import verify
from zoo.publishing.card import make_card
from zoo.publishing.gallery import find_folders
from zoo.runs.history import History
from zoo.weights.folder import ARRAYS_FILE, CARD_FILE, PICTURES

PLUGINS = ROOT / "plugins"
FOLDERS = find_folders(PLUGINS)


def test_they_are_found_by_name():
    names = {folder.config.name for folder in FOLDERS}
    assert "small_cnn/mnist_sample" in names
    assert names <= set(zoo.list_models(weights=True))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.config.name)
def test_each_is_what_it_says(folder):
    config, stored_card = folder.config, (folder.path / CARD_FILE).read_text("utf-8")
    assert folder.path == PLUGINS / config.architecture / "weights" / config.name.partition("/")[2]
    assert config.licence == "MIT"
    # Full datasets take hours per seed; a card of one seed has no interval, and says why.
    assert len(config.seeds) > 1 or (not config.dataset.endswith("_sample") and "Trained with one seed" in stored_card)
    assert config.run["provenance"]["plugin"]["distribution"] == "autoencoder-zoo"
    for name in folder.sums:
        folder.read(name, 8_000_000)
    card = make_card(config, folder.scores, History.read(folder.path), PICTURES)
    assert stored_card == card, "stale: run python docs/weights.py publish"


def test_all_of_them_are_small():
    assert sum((folder.path / ARRAYS_FILE).stat().st_size for folder in FOLDERS) <= 40_000_000


def test_the_gallery_shows_all_of_them():
    before = (ROOT / "docs" / "gallery.md").read_text("utf-8")
    script = runpy.run_path(str(ROOT / "docs" / "weights.py"))
    assert script["fill_gallery"](before) == before, "stale: run python docs/weights.py gallery"
    assert all(f"[{folder.config.name}](" in before for folder in FOLDERS)


def test_the_small_ones_give_their_scores():
    """On JAX too, where z is drawn otherwise."""
    for folder in FOLDERS:
        if folder.config.dataset.endswith("_sample"):
            (verdict,) = verify(folder.path)
            assert verdict.status == "verified", verdict


@pytest.mark.slow
@pytest.mark.skipif("ZOO_DATA" not in os.environ, reason="needs the full datasets in ZOO_DATA")
def test_all_of_them_give_their_scores():
    verdicts = verify(PLUGINS)
    assert len(verdicts) == len(FOLDERS)
    assert all(verdict.status == "verified" for verdict in verdicts), verdicts
