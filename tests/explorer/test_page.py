"""What a page is as a file: self-contained, small, safe, and refused where it could not work."""

import base64
import hashlib
import io
import json
import re
import tarfile

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.errors import ExportError

pytest.importorskip("tf2onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes ONNX here")
HOSTILE = '</script><script>alert(1)</script>&"'


def make_model(shape=(8, 8, 1), **options):
    return zoo.create_model("small_cnn", image_shape=shape, filters=[4], seed=0, **{"latent_dim": 3, **options})


def make_split(count=50, shape=(8, 8, 1), classes=3, part="test"):
    random = np.random.default_rng(0)
    return zoo.Split(random.integers(0, 256, (count, *shape), "uint8"), np.arange(count) % classes, "digits", part)


def read(text, name):
    (found,) = re.findall(rf'<script type="[a-z/]+" id="{name}">(.*?)</script>', text, re.DOTALL)
    return found


def content_of(path):
    return json.loads(read(path.read_text(encoding="utf-8"), "content"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    model = make_model(likelihood="bernoulli")
    model.binarization = "threshold"
    return model, zoo.explore(model, tmp_path_factory.mktemp("page") / "page.html", make_split(classes=2))


def array_of(text, where):
    blob = base64.b64decode(read(text, "blob"))
    dtype = {2: "<f2", 4: "<f4"}[where["bytes"]]
    count = int(np.prod(where["shape"]))
    return np.frombuffer(blob, dtype, count, where["start"]).reshape(where["shape"]).astype("float32")


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


def test_a_codebook(tmp_path):
    model = zoo.create_model("vq_cnn", image_shape=(8, 8, 1), seed=0, width=4, codes=16)
    page = zoo.explore(model, tmp_path / "page.html", make_split())
    text, content = page.path.read_text(encoding="utf-8"), content_of(page.path)
    codebook = content["codebook"]
    assert (codebook["grid"], content["prior"]["kind"], content["sliders"]) == ([2, 2], "codes", [])
    assert sorted(codebook["palette"]) == list(range(16))
    assert codebook["swatches"]["count"] == 16
    indices = array_of(text, content["images"]["codes"]).astype(int)
    sheet = Image.open(io.BytesIO(base64.b64decode(content["images"]["sheet"]["uri"].partition(",")[2])))
    tiles = np.asarray(sheet).reshape(5, 8, 8, 8).swapaxes(1, 2).reshape(40, 8, 8, 1)
    np.testing.assert_array_equal(model.codebook[indices[:40]].reshape(40, 2, 2, 16), model.encode(tiles)[0])
    assert "Painting" not in text.partition("<script")[0]


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


def own_model(layer):
    images, z = keras.Input((4, 4, 1)), keras.Input((2,))
    encoder = keras.Model(images, zoo.layers.GaussianHead((2,))(keras.layers.Flatten()(images)))
    x = layer(keras.layers.Dense(16, name="first")(z))
    return zoo.AutoEncoder(encoder, keras.Model(z, keras.layers.Reshape((4, 4, 1))(x)))


@keras.saving.register_keras_serializable(package="explorer_tests")
class Cumulated(keras.layers.Layer):
    """Has an operator that the page does not know."""

    def call(self, x):
        return keras.ops.cumsum(x, axis=-1)


def test_an_unknown_operator(tmp_path):
    with pytest.raises(ExportError) as caught:
        zoo.explore(own_model(Cumulated(name="running_sum")), tmp_path / "page.html")
    assert "the page cannot compute CumSum of the layer running_sum: put ONNX Runtime into the page" in str(
        caught.value
    )
    assert list(tmp_path.iterdir()) == []


def test_half_precision_only_where_it_is_enough(tmp_path):
    """A sum of large numbers that cancel."""
    sizes = {}
    for scale in (0.05, 3e4):
        model = own_model(keras.layers.Dense(16, use_bias=False, name="second"))
        kernel = np.random.default_rng(0).standard_normal((16, 16)).astype("float32")
        first = model.decoder.get_layer("first")
        first.kernel.assign(np.tile([[scale], [scale]], (1, 16)).astype("float32"))
        kernel[8:] = -kernel[:8] * (1 + 1e-4)
        model.decoder.get_layer("second").kernel.assign(kernel)
        page = zoo.explore(model, tmp_path / f"{scale}.html")
        weights = content_of(page.path)["graphs"]["decoder"]["weights"]
        shapes = content_of(page.path)["graphs"]["decoder"]["shapes"]
        sizes[scale] = {size for number, size, _ in weights if shapes[number] == [16, 16]}
    assert sizes == {0.05: {2}, 3e4: {4}}


def test_what_onnx_runtime_cannot_run(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("no kernel")

    monkeypatch.setattr("zoo.explorer.graph._run", broken)
    with pytest.raises(ExportError, match=r"ONNX Runtime cannot run the decoder of .*: RuntimeError: no kernel"):
        zoo.explore(make_model(), tmp_path / "page.html")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"path": "page.htm"}, ValueError, "page.htm: expected a name that ends in .html"),
        ({"path": "no/page.html"}, ExportError, "there is no folder no: make it"),
        ({"path": "there.html"}, ExportError, "there.html exists: choose another name"),
        ({"data": np.zeros((3, 4, 4, 1), "uint8")}, ValueError, "expected (batch, 8, 8, 1)"),
        ({"data": iter([np.zeros((3, 8, 8, 1), "uint8")])}, ValueError, "data is a stream"),
        ({"runtime": "wasm"}, ValueError, "runtime is 'wasm': expected one of own, onnx"),
        ({"runtime": "onnx"}, ValueError, "expected 'onnx' and the file that npm pack"),
        (
            {"runtime": "onnx", "runtime_file": "there.html"},
            ExportError,
            "there.html is not the package onnxruntime-web",
        ),
    ],
)
def test_bad_arguments(arguments, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.html").write_text("x")
    with pytest.raises(error) as caught:
        zoo.explore(make_model(), **{"path": "new.html", **arguments})
    assert words in str(caught.value)
    assert [it.name for it in tmp_path.iterdir()] == ["there.html"]


def test_a_disk_that_is_full(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zoo.explorer.write.write_text", full)
    with pytest.raises(ExportError, match=r"page.html: cannot be written: No space left on device"):
        zoo.explore(make_model(), tmp_path / "page.html")


def test_onnx_runtime_in_the_page(tmp_path):
    names = {"ort.wasm.bundle.min.mjs": b"export const x = 1", "ort-wasm-simd-threaded.wasm": b"\0asm" * 500}
    with tarfile.open(tmp_path / "runtime.tgz", "w:gz") as package:
        for name, content in names.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    model = make_model()
    page = zoo.explore(model, tmp_path / "page.html", runtime="onnx", runtime_file=tmp_path / "runtime.tgz")
    text = page.path.read_text(encoding="utf-8")
    assert base64.b64decode(read(text, "runtime")) == names["ort.wasm.bundle.min.mjs"]
    graph = content_of(page.path)["graphs"]["decoder"]
    assert (graph["input"], graph["shape"], graph["outputs"]) == ("z", [1, 3], ["images", "parameters"])
    import onnxruntime

    start, size = graph["onnx"]
    session = onnxruntime.InferenceSession(base64.b64decode(read(text, "blob"))[start : start + size])
    z = np.random.default_rng(0).standard_normal((1, 3)).astype("float32")
    np.testing.assert_allclose(session.run(["images"], {"z": z})[0], model.decode(z), atol=1e-5)


def test_a_package_that_is_not_there(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ExportError, match=r'the page needs the package jinja2, .*: pip install "autoencoder-zoo\[onnx'):
        zoo.explore(make_model(), tmp_path / "page.html")
