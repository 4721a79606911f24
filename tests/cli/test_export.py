import json
import os
import subprocess
import sys

import keras
import pytest

from zoo.cli.export import FORMATS, PARTS

on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes it")


def test_the_choices_are_those_there_are():
    from zoo.exporting import formats, networks

    assert tuple(formats.FORMATS) == FORMATS
    assert sorted(networks.PART_NAMES) == sorted(PARTS)


@on_tensorflow
@pytest.mark.slow
def test_a_preset_with_trained_weights(command, tmp_path):
    arguments = ("export", "small_cnn/mnist_sample", "--format", "saved_model", "--out", tmp_path / "saved")
    made = command(*arguments, "--json")
    assert made.exit_code == 0
    shown = json.loads(made.stdout)
    assert shown["source"] == "test images of mnist_sample"
    assert 0 < shown["difference"] < 1e-5 or shown["difference"] == 0
    record = json.loads((tmp_path / "saved" / "zoo.json").read_text())
    assert (record["name"], record["licence"]) == ("small_cnn/mnist_sample", "MIT")
    assert record["scores"]["negative_elbo"] == pytest.approx(818, abs=1)
    again = command(*arguments)
    assert again.exit_code == 1
    assert "saved exists: choose another name" in again.stderr
    assert command(*arguments, "--overwrite").stdout.strip() == str(tmp_path / "saved")


def test_nothing_of_that_name(command):
    assert command("export", "small_cnn/nothing", "--format", "onnx").exit_code == 2


@pytest.mark.slow
def test_tensorflow_converts_whatever_the_backend_is(tmp_path):
    pytest.importorskip("jax")
    arguments = ("export", "small_cnn/mnist_sample", "--format", "saved_model", "--out", str(tmp_path / "saved"))
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *arguments],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(tmp_path / "saved")
    # What JAX writes is a call of compiled code.
    assert b"XlaCallModule" not in (tmp_path / "saved" / "saved_model.pb").read_bytes()
