"""What was exported is run by its own runtime, without the zoo, and gives what the model gives."""

import json
import os
import sys

import keras
import numpy as np
import pytest
from support.exported import ARCHITECTURES, SMALL, expected, make_model

import zoo
from zoo.errors import ExportError

on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes it")
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "saved_model": ""}
MOST = {"onnx": 1e-5, "litert": 1e-5, "saved_model": 1e-6}


def run_onnx(path, inputs):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(path))
    return session.run(None, {session.get_inputs()[0].name: inputs})


def run_litert(path, inputs):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(str(path))
    given = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(given, inputs.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given, inputs)
    interpreter.invoke()
    return [interpreter.get_tensor(it["index"]) for it in interpreter.get_output_details()]


def run_saved_model(path, inputs):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return [np.asarray(it) for it in tf.nest.flatten(loaded.serve(inputs))]


RUN = {"onnx": run_onnx, "litert": run_litert, "saved_model": run_saved_model}


def need(name):
    for module in {"onnx": ("tf2onnx", "onnxruntime"), "litert": ("ai_edge_litert",), "saved_model": ()}[name]:
        pytest.importorskip(module)


SHAPES = [(28, 28, 1), (32, 32, 3), (31, 17, 2)]
PARTS = ["encoder", "decoder", "autoencoder"]
# Each export takes seconds: the whole models of one odd size are slow tests, all parts in all sizes an exhaustive one.
CASES = [
    pytest.param(
        name,
        shape,
        part,
        id=f"{name}-{part}-{'x'.join(map(str, shape))}",
        marks=pytest.mark.slow if (shape, part) == (SHAPES[-1], PARTS[-1]) else pytest.mark.exhaustive,
    )
    for name in SUFFIXES
    for shape in SHAPES
    for part in PARTS
]


@on_tensorflow
@pytest.mark.parametrize(("name", "shape", "part"), CASES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_part_and_size(architecture, name, shape, part, tmp_path):
    need(name)
    model = make_model(architecture, shape, **SMALL.get(architecture, {}))
    images = np.random.default_rng(1).random((7, *shape), "float32")
    path = tmp_path / f"{part}{SUFFIXES[name]}"
    made = zoo.export(model, path, name, part=part)
    assert (made.path, made.images) == (path, 32)
    assert made.difference <= MOST[name]
    for count in (1, 7):
        inputs = model.encode(images[:count])[0] if part == "decoder" else images[:count]
        got = RUN[name](path, inputs)
        for wanted in expected(model, part, images[:count]):
            assert min(np.abs(it - wanted).max() for it in got if it.shape == wanted.shape) <= MOST[name]


@on_tensorflow
@pytest.mark.parametrize("name", ["onnx", "litert", pytest.param("saved_model", marks=pytest.mark.slow)])
def test_bytes_of_a_binary_model(name, tmp_path):
    need(name)
    model = make_model(likelihood="bernoulli", filters=[4])
    model.binarization = "threshold"
    path = tmp_path / f"model{SUFFIXES[name]}"
    made = zoo.export(model, path, name, input="uint8")
    assert made.size == sum(it.stat().st_size for it in [path, *path.rglob("*")] if it.is_file())
    images = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 1), "uint8")
    (got,) = RUN[name](path, images)
    np.testing.assert_allclose(got, model.reconstruct(images), atol=1e-6)


@on_tensorflow
def test_what_the_file_says(tmp_path):
    onnx = pytest.importorskip("onnx")
    need("onnx")
    model = make_model(filters=[4])
    zoo.export(model, tmp_path / "e.onnx", part="encoder", batch=2, about={"licence": "MIT"})
    content = onnx.load(tmp_path / "e.onnx")
    record = json.loads(content.metadata_props[0].value)
    assert (content.metadata_props[0].key, record["licence"]) == ("zoo", "MIT")
    assert record["takes"] == "images, [8, 8, 1], float32 in [0, 1]"
    assert record["returns"] == ["mean", "std"]
    assert ([it.name for it in content.graph.input], [it.name for it in content.graph.output]) == (
        ["images"], ["mean", "std"],
    )  # fmt: skip
    assert content.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2


@on_tensorflow
@pytest.mark.slow
def test_a_name_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(zoo.export(make_model(filters=[4]), format="saved_model", batch=20).path) == "small_cnn-autoencoder"
    assert os.listdir(tmp_path) == ["small_cnn-autoencoder"]


@on_tensorflow
def test_keras_own_method(tmp_path):
    """It needs no call before, and takes bytes too."""
    model = make_model(filters=[4])
    model.export(tmp_path / "saved", verbose=False)
    images = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 1), "uint8")
    for given in (images, images / np.float32(255)):
        (got,) = run_saved_model(tmp_path / "saved", given)
        np.testing.assert_allclose(got, model.reconstruct(images), atol=1e-6)


def test_a_package_that_is_not_there(tmp_path, monkeypatch):
    module = "tf2onnx" if keras.backend.backend() == "tensorflow" else "jax2onnx"
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        ExportError, match=rf'ONNX needs {module}, which is not installed: pip install "autoencoder-zoo\['
    ):
        zoo.export(make_model(filters=[4]), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@on_tensorflow
def test_a_package_that_is_broken(tmp_path, monkeypatch):
    (tmp_path / "tf2onnx.py").write_text("import numpy\nnumpy.no_such_thing\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tf2onnx", raising=False)
    with pytest.raises(ExportError, match=r"tf2onnx.* cannot be imported \(AttributeError: .*no_such_thing"):
        zoo.export(make_model(filters=[4]), tmp_path / "model.onnx")
    sys.modules.pop("tf2onnx", None)


@keras.saving.register_keras_serializable(package="exporting_tests")
class Noisy(keras.layers.Layer):
    """Adds noise, at inference too."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed = keras.random.SeedGenerator(1)

    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x), seed=self.seed)


def own_model(layer):
    images, z = keras.Input((4, 4, 1)), keras.Input((2,))
    flat = keras.layers.Flatten()(images)
    encoder = keras.Model(images, zoo.layers.GaussianHead((2,))(layer(flat)))
    return zoo.AutoEncoder(encoder, keras.Model(z, keras.layers.Reshape((4, 4, 1))(keras.layers.Dense(16)(z))))


@on_tensorflow
def test_exact_gelu(tmp_path):
    """TensorFlow makes it of an operation that ONNX does not have."""
    need("onnx")
    model = own_model(keras.layers.Activation("gelu"))
    images = np.random.default_rng(1).random((3, 4, 4, 1), "float32")
    zoo.export(model, tmp_path / "encoder.onnx", part="encoder")
    for got, wanted in zip(run_onnx(tmp_path / "encoder.onnx", images), model.encode(images), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)


@on_tensorflow
@pytest.mark.slow
def test_what_differs_is_not_kept(tmp_path):
    with pytest.raises(
        ExportError, match=r"SavedModel: what was exported differs from the model by .*: expected at most"
    ):
        zoo.export(own_model(Noisy()), tmp_path / "saved", "saved_model")
    assert list(tmp_path.iterdir()) == []


@on_tensorflow
@pytest.mark.parametrize("keep", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_disk_that_is_full(keep, tmp_path, monkeypatch):
    target = tmp_path / "saved"
    if keep:
        zoo.export(make_model(filters=[4]), target, "saved_model")
        before = sorted(it.name for it in target.rglob("*"))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keras.Model.export", full)
    with pytest.raises(ExportError, match="No space left on device"):
        zoo.export(make_model(filters=[4]), target, "saved_model", overwrite=True)
    assert [it.name for it in tmp_path.iterdir()] == (["saved"] if keep else [])
    assert not keep or sorted(it.name for it in target.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"format": "tflite"}, ValueError, "format is 'tflite': expected one of onnx, saved_model, litert, torch"),
        ({"part": "whole"}, ValueError, "part is 'whole': expected one of encoder, decoder, autoencoder"),
        ({"input": "int8"}, ValueError, "input is 'int8': expected one of float32, uint8"),
        ({"part": "decoder", "input": "uint8"}, ValueError, "the decoder takes z, which is float32"),
        ({"batch": 0}, ValueError, "batch is 0: expected a whole number of at least 1"),
        ({"tolerance": float("nan")}, ValueError, "tolerance is nan: expected a number above 0"),
        ({"path": "model.h5"}, ValueError, "model.h5: expected a name that ends in .onnx"),
        ({"path": "no/model.onnx"}, ExportError, "there is no folder no: make it"),
        ({"path": "there.onnx"}, ExportError, "there.onnx exists: choose another name"),
    ],
)
def test_bad_arguments(arguments, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.onnx").write_text("x")
    with pytest.raises(error) as caught:
        zoo.export(make_model(filters=[4]), **arguments)
    assert words in str(caught.value)
    assert os.listdir(tmp_path) == ["there.onnx"]


def test_weights_that_are_not_finite(tmp_path):
    model = make_model(filters=[4])
    model.decoder.weights[0].assign(np.nan * np.asarray(model.decoder.weights[0]))
    with pytest.raises(ValueError, match="NaN"):
        zoo.export(model, tmp_path / "saved", "saved_model")


@on_tensorflow
@pytest.mark.parametrize("part", ["encoder", "decoder", "autoencoder"])
def test_labels_are_a_second_input(part, tmp_path):
    need("onnx")
    import onnxruntime

    model = make_model(conditional=True, classes=3, filters=[4], latent_dim=2)
    images, labels = np.random.default_rng(0).random((5, 8, 8, 1), "float32"), np.array([0, 1, 2, 2, 1], "int32")
    made = zoo.export(model, tmp_path / "part.onnx", "onnx", part=part)
    session = onnxruntime.InferenceSession(str(made.path))
    first = model.encode(images, labels)[0] if part == "decoder" else images
    assert [it.name for it in session.get_inputs()] == ["z" if part == "decoder" else "images", "labels"]
    outputs = session.run(None, {session.get_inputs()[0].name: first, "labels": labels})
    wanted = model.encode(images, labels) if part == "encoder" else [model.reconstruct(images, labels)]
    for output, found in zip(outputs, wanted, strict=True):
        np.testing.assert_allclose(output, found, atol=1e-5)


@on_tensorflow
def test_keras_own_method_with_labels(tmp_path):
    import tensorflow as tf

    model = make_model(conditional=True, classes=3, filters=[4], latent_dim=2)
    model.export(tmp_path / "model", verbose=False)
    images, labels = np.random.default_rng(0).random((5, 8, 8, 1), "float32"), np.array([0, 1, 2, 2, 1], "int32")
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    found = loaded.serve((images, labels))
    np.testing.assert_allclose(found, model.reconstruct(images, labels), atol=1e-6)
