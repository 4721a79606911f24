import json

import keras
import pytest

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


@pytest.mark.parametrize("arguments", [("small_cnn/nothing",), ("small_cnn/mnist_sample", "--runtime", "onnx")])
def test_wrong_usage(arguments, command):
    assert command("explore", *arguments).exit_code == 2
