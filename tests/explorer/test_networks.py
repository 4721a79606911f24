"""Networks of a page: what it cannot compute is refused, and what it can is as exact as need be."""

import base64
import io
import tarfile

import keras
import numpy as np
import pytest
from support.explored import content_of, make_model, read

import zoo
from zoo.errors import ExportError

pytest.importorskip("tf2onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes ONNX here")


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
