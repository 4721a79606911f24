import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import keras
import pytest
from support.paths import ROOT

import zoo
from zoo import environment
from zoo.environment import describe_versions, install_command, keras_backend, package_versions


def test_the_versions_are_those_that_are_imported():
    assert package_versions()["keras"] == keras.__version__
    assert keras_backend() == keras.backend.backend()


def test_the_backend_is_chosen_as_keras_does(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert keras_backend() == "tensorflow"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    assert keras_backend() == "jax"
    (tmp_path / "keras.json").write_text("[]")
    assert keras_backend() == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert keras_backend() == "torch"


def test_a_backend_that_is_not_installed(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    assert describe_versions().endswith(" on numpy (not installed)")


@pytest.mark.parametrize("command", [["-m", "zoo", "--version"]])
def test_the_command_tells_them_without_keras(command):
    environment = {**os.environ, "PYTHONPATH": str(Path(zoo.__file__).parents[1]), "PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"autoencoder-zoo {zoo.__version__}, {describe_versions()}\n"
    assert "keras.src" not in done.stderr


def test_the_zoo_is_installed_from_its_repository(monkeypatch):
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    command = f'pip install "autoencoder-zoo @ git+{repository}"'
    assert install_command() == command
    assert command in (ROOT / "docs" / "plugins.md").read_text()

    def find_nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment, "metadata", find_nothing)
    assert install_command() == "pip install autoencoder-zoo"
