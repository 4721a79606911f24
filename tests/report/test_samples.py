"""Samples in a report: from the prior, by samplers beside a run and by those that are asked for, with scores."""

import re

import numpy as np
import pytest

import zoo
from zoo.errors import UnknownNameError
from zoo.report import pages, write_report

MODEL = {"filters": [4, 4], "latent_dim": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of digits, with samplers beside it; one of them is another model's."""
    images = zoo.load_dataset("mnist_sample").train.images[:120]
    data = tuple(zoo.Split(images[start::3], np.arange(40) % 10, "digits", part) for start, part in enumerate(PARTS))
    made = zoo.train("small_cnn", data=data, epochs=1, out=tmp_path_factory.mktemp("runs"), progress=False, **MODEL)
    zoo.samplers.fit(made.model, images, "two_stage", epochs=1).save(made.path / "samplers" / "second")
    other = zoo.create_model("small_cnn", image_shape=(28, 28, 1), seed=5, **MODEL)
    zoo.samplers.fit(other, images, "two_stage", epochs=1).save(made.path / "samplers" / "strange")
    return made, dict(zip(PARTS, data, strict=True))


PARTS = ("train", "validation", "test")


@pytest.fixture
def report(run, monkeypatch, tmp_path):
    """Write a report, with the run's images as its dataset."""
    made, splits = run
    dataset = zoo.Dataset("digits", **splits, classes=tuple("0123456789"), image_shape=(28, 28, 1))
    monkeypatch.setattr("zoo.report.write.load_recorded_dataset", lambda name, data_dir=None: dataset)
    return lambda **options: write_report(made.path, tmp_path / "report.html", **options).read_text(encoding="utf-8")


def labels(text):
    section = text.partition("<h2>Samples</h2>")[2].partition("</section>")[0]
    return re.findall(r'<span class="label">(.+?)</span>', section)


def test_samplers_beside_a_run_are_shown(report, run, monkeypatch):
    text = report()
    assert labels(text) == ["the prior", "two_stage"]
    assert "and by samplers that were fitted to the latents of training images" in text
    assert re.search("A sampler cannot be loaded: .*strange.* was fitted to .* with other weights", text)
    assert "Fréchet distance" not in text
    # Nothing is drawn again until a sampler changes.
    monkeypatch.setattr(pages, "load_model", lambda *_: pytest.fail("drawn again"))
    assert report() == text
    (run[0].path / "samplers" / "second" / "note").write_text("other")
    assert "the model cannot be shown: Failed: drawn again" in report()


def test_scores_are_those_of_sample_scores(report, run):
    pytest.importorskip("sklearn")
    made, splits = run
    text = report(samples=30, samplers=["gaussian_mixture:2"])
    assert labels(text) == ["the prior", "two_stage", "gaussian_mixture:2"]
    sampler = zoo.samplers.fit(made.model, splits["train"], "gaussian_mixture:2")
    found = zoo.sample_scores(sampler.sample(30, seed=0), splits["test"].images[:30])
    row = re.search(r'<th scope="row">gaussian_mixture:2</th>(.*?)</tr>', text)[1]
    shown = re.findall(r'<td class="number">(.+?)<small>(.+?) to (.+?)</small>', row)
    values = [[float(it.replace(",", "")) for it in cells] for cells in shown]
    names = ("precision", "recall", "frechet_distance")
    expected = [[found[name][it] for it in ("value", "low", "high")] for name in names]
    np.testing.assert_allclose(values, expected, atol=0.006)
    assert "30 samples against as many test images, digit features, k = 3, with 95 % intervals" in text


def test_what_cannot_be_is_said(report):
    text = report(samplers=["code_prior"])
    assert "The sampler code_prior cannot be fitted: code_prior is for codes" in text
    with pytest.raises(UnknownNameError, match="no sampler 'mixture'"):
        report(samplers=["mixture"])
    with pytest.raises(ValueError, match="samples is 3: expected 0 for no scores, or more than 3"):
        report(samples=3)
