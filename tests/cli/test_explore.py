import json
import shutil

import keras
import pytest
from support.paths import ROOT

import zoo
from zoo.cli.export import RUNTIMES

on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes ONNX here")


def test_the_choices_are_those_there_are():
    from zoo.explorer import write

    assert write.RUNTIMES == RUNTIMES


@on_tensorflow
@pytest.mark.slow
def test_a_preset_with_trained_weights(command, tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx")
    monkeypatch.chdir(tmp_path)
    made = command("explore", "small_cnn/mnist_sample", "--json")
    assert made.exit_code == 0
    path = tmp_path / "small_cnn-mnist_sample.html"
    assert json.loads(made.stdout) == {"path": path.name, "bytes": path.stat().st_size}
    assert path.stat().st_size < 2_000_000
    assert "test images of mnist_sample" in path.read_text(encoding="utf-8")
    again = command("explore", "small_cnn/mnist_sample", "--out", path)
    assert again.exit_code == 1
    assert "exists: choose another name" in again.stderr
    other = command("explore", "small_cnn/mnist_sample", "--out", path, "--overwrite", "--data", "cifar10_sample")
    assert (other.exit_code, "28" in other.stderr) == (2, True)


@on_tensorflow
@pytest.mark.slow
def test_samplers_beside_a_model_and_by_name(command, tmp_path):
    pytest.importorskip("tf2onnx")
    folder, page = tmp_path / "mnist_sample", tmp_path / "page.html"
    shutil.copytree(ROOT / "plugins" / "small_cnn" / "weights" / "mnist_sample", folder)
    images = zoo.load_dataset("mnist_sample", limit=300).train
    zoo.samplers.fit(zoo.load_model(folder), images, "two_stage", epochs=1).save(folder / "samplers" / "a")
    (folder / "samplers" / "b").mkdir()
    (folder / "samplers" / "b" / "sampler.json").write_text("{")
    made = command("explore", folder, "--out", page, "--sampler", "prior")
    assert made.exit_code == 0, made.stderr
    assert "warning: " in made.stderr
    assert "sampler.json" in made.stderr
    text = page.read_text(encoding="utf-8")
    assert '<option value="0">two_stage</option><option value="1">prior</option>' in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("small_cnn/nothing",),
        ("small_cnn/mnist_sample", "--runtime", "onnx"),
        ("small_cnn/mnist_sample", "--sampler", "mixture"),
    ],
)
def test_wrong_usage(arguments, command):
    assert command("explore", *arguments).exit_code == 2
