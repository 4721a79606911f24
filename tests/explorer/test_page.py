"""What a page is as a file: self-contained, small, safe, and refused where it could not work."""

import base64
import hashlib
import io
import re

import keras
import numpy as np
import pytest
from PIL import Image
from support.explored import array_of, content_of, make_model, make_split

import zoo

pytest.importorskip("tf2onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes ONNX here")
HOSTILE = '</script><script>alert(1)</script>&"'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    model = make_model(likelihood="bernoulli")
    model.binarization = "threshold"
    return model, zoo.explore(model, tmp_path_factory.mktemp("page") / "page.html", make_split(classes=2))


def test_only_its_own_scripts_and_styles_are_allowed(made):
    text = made[1].path.read_text(encoding="utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert not re.search(r"""\b(src|href)=["'](?!#|data:)""", text)
    assert " style=" not in text
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/2000/svg", "", text)


def test_what_the_page_holds(made):
    model, page = made
    text = page.path.read_text(encoding="utf-8")
    assert page.size == page.path.stat().st_size < 500_000
    content = content_of(page.path)
    images = content["images"]
    assert (images["classes"], images["source"], content["binarized"]) == (["0", "1"], "test images of digits", True)
    sheet = images["sheet"]
    shown = Image.open(io.BytesIO(base64.b64decode(sheet["uri"].partition(",")[2])))
    assert (shown.size, sheet["count"], sheet["exact"]) == ((8 * 8, 5 * 8), 40, True)
    # Tile, code, label and point of an image belong together.
    labels, codes = (array_of(text, images[name]) for name in ("labels", "codes"))
    points, centre, axes = (array_of(text, content["map"][name]) for name in ("points", "centre", "axes"))
    tiles = np.asarray(shown).reshape(5, 8, 8, 8).swapaxes(1, 2).reshape(40, 8, 8, 1)
    np.testing.assert_allclose(codes[:40], model.encode(tiles)[0], atol=2e-3)
    split = make_split(classes=2)
    for tile, label in zip(tiles, labels, strict=False):
        (index,) = np.flatnonzero((split.images == tile).all(axis=(1, 2, 3)))
        assert split.labels[index] == label
    assert labels[:4].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(points, (codes - centre) @ axes.T, atol=5e-3)
    # The likelihood's own scores decide the order.
    kl = [value for _, value in content["sliders"]]
    assert sorted(kl, reverse=True) == kl
    mean, std = (it.astype("float64") for it in model.encode(split.images))
    assert kl == pytest.approx(
        sorted((0.5 * (mean**2 + std**2 - 1) - np.log(std)).mean(axis=0), reverse=True), abs=1e-3
    )


def test_the_same_page_again(made, tmp_path):
    model, page = made
    again = zoo.explore(model, tmp_path / "again.html", make_split(classes=2))
    assert again.path.read_bytes() == page.path.read_bytes()


def test_a_notebook_shows_it(made):
    shown = made[1]._repr_html_()
    assert shown.startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert "<script" not in shown
    assert shown.count('"') == 6


def test_names_from_elsewhere_stay_text(tmp_path):
    model = make_model()
    model.provenance = {"preset": HOSTILE, "encoder": None, "decoder": None}
    parts = {part: make_split(part=part) for part in ("train", "validation", "test")}
    data = zoo.Dataset("digits", **parts, classes=(HOSTILE, "b", "c"), image_shape=(8, 8, 1))
    page = zoo.explore(model, tmp_path / "page.html", data)
    text = page.path.read_text(encoding="utf-8")
    assert content_of(page.path)["images"]["classes"][0] == HOSTILE
    assert HOSTILE not in text
    assert "alert(1)</" not in text
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text


def test_two_channels_one_latent_and_no_labels(tmp_path):
    images = np.random.default_rng(0).random((5, 8, 8, 2), "float32")
    page = zoo.explore(make_model((8, 8, 2), latent_dim=1), tmp_path / "page.html", images)
    content = content_of(page.path)
    assert (content["map"], content["images"]["labels"], content["images"]["source"]) == (
        None,
        None,
        "the given images",
    )
    assert (content["images"]["sheet"]["exact"], content["images"]["sheet"]["count"]) == (False, 5)


def test_two_latents_are_the_map(tmp_path):
    model = make_model(latent_dim=2)
    split = make_split()
    page = zoo.explore(model, tmp_path / "page.html", split)
    text, content = page.path.read_text(encoding="utf-8"), content_of(page.path)
    assert content["map"]["names"] == ["first latent", "second latent"]
    np.testing.assert_array_equal(array_of(text, content["map"]["axes"]), np.eye(2))
    np.testing.assert_allclose(
        array_of(text, content["map"]["points"])[:40], array_of(text, content["images"]["codes"])[:40]
    )


def test_large_images_are_shown_small(tmp_path):
    page = zoo.explore(make_model((96, 80, 3)), tmp_path / "page.html", make_split(6, (96, 80, 3)))
    sheet = content_of(page.path)["images"]["sheet"]
    assert (sheet["width"], sheet["height"], sheet["exact"]) == (53, 64, False)


@pytest.mark.parametrize("books", [1, 2])
def test_codebooks(books, tmp_path):
    model = zoo.create_model("vq_cnn", image_shape=(8, 8, 1), seed=0, width=4, codes=16, quantizers=books)
    page = zoo.explore(model, tmp_path / "page.html", make_split())
    text, content = page.path.read_text(encoding="utf-8"), content_of(page.path)
    codebook = content["codebook"]
    assert (codebook["grid"], content["prior"]["kind"], content["sliders"]) == ([2, 2], "codes", [])
    assert [sorted(palette) for palette in codebook["palettes"]] == [list(range(16))] * books
    assert codebook["swatches"]["count"] == 16 * books
    indices = array_of(text, content["images"]["codes"]).astype(int)
    sheet = Image.open(io.BytesIO(base64.b64decode(content["images"]["sheet"]["uri"].partition(",")[2])))
    tiles = np.asarray(sheet).reshape(5, 8, 8, 8).swapaxes(1, 2).reshape(40, 8, 8, 1)
    vectors = model.code_vectors(indices[:40].reshape(40, *model.latent_shape[:-1]))
    np.testing.assert_array_equal(vectors, model.encode(tiles)[0])
    assert indices.max() < 16
    assert "Painting" not in text.partition("<script")[0]


def test_a_large_codebook(tmp_path):
    # Half precision does not have all of its indices.
    model = zoo.create_model("fsq_cnn", image_shape=(8, 8, 1), seed=0, width=4, levels=[17, 17, 17])
    page = zoo.explore(model, tmp_path / "page.html", make_split())
    indices = array_of(page.path.read_text(encoding="utf-8"), content_of(page.path)["images"]["codes"]).astype(int)
    expected = model.code_indices(model.encode(make_split().images)[0]).reshape(50, -1)
    assert {tuple(row) for row in indices} == {tuple(row) for row in expected}


@pytest.mark.parametrize("codes", [False, True])
def test_samplers(codes, tmp_path):
    split = make_split(part="train")
    model = zoo.create_model("fsq_cnn", image_shape=(8, 8, 1), width=4, levels=[3, 4]) if codes else make_model()
    sampler = zoo.samplers.fit(model, split, "code_prior" if codes else "two_stage", epochs=1)
    page = zoo.explore(model, tmp_path / "page.html", make_split(), samplers=[sampler])
    (found,) = content_of(page.path)["samplers"]
    text = page.path.read_text(encoding="utf-8")
    draws, latents = array_of(text, found["draws"]), sampler.sample_latents(256, seed=0)
    if codes:
        draws = model.code_vectors(draws.astype(int)).reshape(256, -1)
    assert found["name"] == sampler.title
    np.testing.assert_allclose(draws, latents.reshape(256, -1), rtol=1e-3, atol=1e-4)
    assert f'<option value="0">{sampler.title}</option>' in text
    with pytest.raises(ValueError, match="is of another model: expected samplers of the one that is explored"):
        zoo.explore(make_model(), tmp_path / "other.html", samplers=[sampler])
    without = zoo.explore(model, tmp_path / "without.html").path.read_text(encoding="utf-8")
    assert "<select" not in without


def test_a_prior_of_its_own(tmp_path):
    class Shifted(zoo.AutoEncoder):
        """Its latents are drawn around 5."""

        def draw_prior(self, n, generator):
            return 5 + super().draw_prior(n, generator)

    parts = make_model()
    model = Shifted(parts.encoder, parts.decoder, "discretized_logistic")
    page = zoo.explore(model, tmp_path / "page.html")
    content = content_of(page.path)
    draws = array_of(page.path.read_text(encoding="utf-8"), content["prior"]["draws"])
    assert draws.shape == (256, 3)
    assert abs(draws.mean() - 5) < 0.3
    assert content["images"] is None
    assert 'id="temperature"' not in page.path.read_text(encoding="utf-8")
