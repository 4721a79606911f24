"""Samples in a report: from the prior, by samplers beside a run and by those that are asked for, with scores."""

import functools
import json
import re
import shutil

import numpy as np
import pytest
from support.paths import ROOT

import zoo
from zoo.errors import UnknownNameError
from zoo.report import pages, write_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Trained weights with samplers beside them, one of which is another model's."""
    made = tmp_path_factory.mktemp("weights") / "mnist_sample"
    shutil.copytree(ROOT / "plugins" / "small_cnn" / "weights" / "mnist_sample", made)
    images = zoo.load_dataset("mnist_sample", limit=300).train
    zoo.samplers.fit(zoo.load_model(made), images, "two_stage", epochs=1).save(made / "samplers" / "second")
    shutil.copytree(made / "samplers" / "second", made / "samplers" / "strange")
    facts = made / "samplers" / "strange" / "sampler.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"weights": "0" * 64}))
    return made


@pytest.fixture
def report(folder, tmp_path):
    """Write a report about the model."""
    return lambda **options: write_report(folder, tmp_path / "report.html", **options).read_text(encoding="utf-8")


def labels(text):
    section = text.partition("<h2>Samples</h2>")[2].partition("</section>")[0]
    return re.findall(r'<span class="label">(.+?)</span>', section)


def test_samplers_beside_a_model_are_shown(report, folder, monkeypatch):
    text = report()
    assert labels(text) == ["prior", "two stage"]
    assert "and by samplers that were fitted to the latents of training images" in text
    assert re.search("A sampler cannot be loaded: .*strange.* was fitted to .* with other weights", text)
    assert "Fréchet distance" not in text
    # Nothing is drawn again until a sampler changes.
    monkeypatch.setattr(pages, "load_model", lambda *_: pytest.fail("drawn again"))
    assert report() == text
    (folder / "samplers" / "second" / "note").write_text("other")
    assert "the model cannot be shown: Failed: drawn again" in report()


def test_scores_are_those_of_sample_scores(report, folder, monkeypatch):
    pytest.importorskip("sklearn")
    quick = functools.partial(zoo.sample_scores, draws=5)  # Of the bootstrap.
    monkeypatch.setattr("zoo.report.samples.sample_scores", quick)
    text = report(samples=30, samplers=["gaussian_mixture:2"])
    assert labels(text) == ["prior", "two stage", "gaussian mixture:2"]
    data = zoo.load_dataset("mnist_sample")
    sampler = zoo.samplers.fit(zoo.load_model(folder), data.train, "gaussian_mixture:2")
    found = quick(sampler.sample(30, seed=0), data.test.images[:30])
    row = re.search(r'<th scope="row">gaussian mixture:2</th>(.*?)</tr>', text)[1]
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
