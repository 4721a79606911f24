"""The latent space of a report's models is explored within the report, where that is asked for."""

import json
import re

import keras
import pytest
from support.browser import open_page, requested, wait_until

import zoo
from zoo.errors import ExportError
from zoo.report import write_report

pytest.importorskip("tf2onnx")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes ONNX here")


@pytest.fixture
def runs(tiny, few_pictures, tmp_path):
    zoo.train("small_cnn/tiny", epochs=1, out=tmp_path / "runs", latent_dim=2)
    return tmp_path / "runs"


def test_only_where_it_is_asked_for(runs, tmp_path):
    usual = write_report(runs, tmp_path / "usual.html").read_text(encoding="utf-8")
    assert "worker-src" not in usual
    assert "data-name" not in usual
    text = write_report(runs, tmp_path / "report.html", explore=True).read_text(encoding="utf-8")
    assert "worker-src blob:" in text
    (page,) = re.findall(r'<script type="application/json">(.*?)</script>', text)
    shown = json.loads(page)
    assert shown.startswith("<!DOCTYPE html>")
    assert "test images of tiny" in shown
    assert text.count("<!DOCTYPE html>") == 1


def test_a_model_that_a_page_cannot_compute(runs, monkeypatch):
    def refuse(*_, **__):
        raise ExportError("ONNX needs tf2onnx, which is not installed: pip install it")

    monkeypatch.setattr("zoo.report.explorers.make_page", refuse)
    text = write_report(runs, explore=True).read_text(encoding="utf-8")
    assert "The latent space cannot be explored here: ONNX needs tf2onnx, which is not installed" in text
    assert '<section class="explorer"' not in text
    assert "Latent traversals" in text


@pytest.mark.slow
def test_in_a_browser(runs):
    path = write_report(runs, explore=True)
    browser = open_page(path, 390)
    try:
        browser.get(f"{path.as_uri()}#model-tiny-small_cnn")
        browser.execute_script("document.querySelector('.explorer button').click()")
        # Of the frame's whole height, so that nothing scrolls within it.
        wait_until(
            browser,
            """
            const frame = document.querySelector(".explorer iframe"), page = frame.contentDocument;
            const map = page && page.getElementById("map-place");
            return map && map.textContent && Math.abs(frame.clientHeight - page.documentElement.scrollHeight) < 3;
        """,
        )
        wait_until(
            browser,
            """
            const canvas = document.querySelector(".explorer iframe").contentDocument.getElementById("own-image");
            return canvas.toDataURL().length > 500;
        """,
        )
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert browser.get_log("browser") == []
        assert [it for it in requested(browser) if not it.startswith(("file:", "data:", "blob:", "about:"))] == []
    finally:
        browser.quit()
