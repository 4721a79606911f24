"""A user's own registry file: plugins beside it, presets, recipes and the default benchmark."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

import zoo
from zoo.errors import RegistryFileError
from zoo.registry import catalogue

PLUGIN = """
import keras
from zoo import Architecture, hookimpl
from zoo.layers import GaussianHead

def build_encoder(image_shape, latent_shape, units):
    inputs = keras.Input(image_shape)
    x = keras.layers.Dense(units, "relu")(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, GaussianHead(latent_shape)(x))

def build_decoder(latent_shape, output_shape, units):
    inputs = keras.Input(latent_shape)
    x = keras.layers.Dense(units, "relu")(inputs)
    size = output_shape[0] * output_shape[1] * output_shape[2]
    return keras.Model(inputs, keras.layers.Reshape(output_shape)(keras.layers.Dense(size)(x)))

@hookimpl
def zoo_architectures():
    yield Architecture("mine", "dense", f"{__name__}:build_encoder", f"{__name__}:build_decoder",
                       {"latent_dim": 4, "units": 8})
"""
LIGHT = """
from zoo import Architecture, hookimpl

@hookimpl
def zoo_architectures():
    yield Architecture("%s", "light", f"{__name__}.model:build_encoder", f"{__name__}.model:build_decoder")
"""


@pytest.fixture
def use(clean_registry, monkeypatch, tmp_path):
    """Write a registry file and plugin files beside it, and use it: ``use("plugins: [./a.py]", **{"a.py": text})``."""

    def use_file(content, **files):
        folder = tmp_path / "registry"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        folder.mkdir(exist_ok=True)
        file = folder / "mine.yaml"
        file.write_text(f"version: 1\n{textwrap.dedent(content)}")
        monkeypatch.setenv("ZOO_REGISTRY", str(file))
        zoo.refresh()
        return file

    yield use_file
    for name in [name for name in sys.modules if name.startswith("zoo_plugin_file_")]:
        del sys.modules[name]


def record_of(name):
    (record,) = [record for record in zoo.list_plugins() if record.name == name]
    return record


def test_a_plugin_file_beside_the_registry(use, tmp_path):
    file = use("plugins: [./mine.py]", **{"mine.py": PLUGIN})
    assert {"mine", "small_cnn"} <= set(zoo.list_models())
    assert record_of("mine").origin == f"{tmp_path / 'registry' / 'mine.py'}, listed in {file}"
    model = zoo.create_model("mine/mnist", units=6)
    assert model.latent_shape == (4,)
    model.save(tmp_path / "mine.keras")
    assert zoo.load_model(tmp_path / "mine.keras").count_params() == model.count_params()


def test_a_changed_file_is_read_anew_by_refresh(use, tmp_path):
    use("plugins: [./mine.py]", **{"mine.py": LIGHT % "first"})
    assert "first" in zoo.list_models()
    (tmp_path / "registry" / "mine.py").write_text(LIGHT % "second")
    assert "first" in zoo.list_models()
    zoo.refresh()
    assert "second" in zoo.list_models()
    assert "first" not in zoo.list_models()


def test_a_package_and_an_absolute_path(use, tmp_path):
    other = tmp_path / "elsewhere.py"
    other.write_text(LIGHT % "elsewhere")
    package = {"package/__init__.py": LIGHT % "packaged", "package/model.py": "def build_encoder(): ..."}
    use(f"plugins: [./package, {other}]", **package)
    assert {"packaged", "elsewhere"} <= set(zoo.list_models())
    from zoo.registry.references import resolve_reference

    reference = catalogue.architecture("packaged").encoder
    assert resolve_reference(reference).__name__ == "build_encoder"


def test_a_module_by_its_name(use, monkeypatch, tmp_path):
    (tmp_path / "a_module_of_mine.py").write_text(LIGHT % "by_name")
    monkeypatch.syspath_prepend(tmp_path)
    file = use("plugins: [a_module_of_mine]")
    assert "by_name" in zoo.list_models()
    assert record_of("a_module_of_mine").origin == f"listed in {file}"


@pytest.mark.parametrize(
    ("files", "entry", "words"),
    [
        ({}, "./absent.py", "absent.py: no such file: expected a Python file"),
        ({"empty/readme": ""}, "./empty", "empty: a folder without __init__.py"),
        ({"notes.txt": ""}, "./notes.txt", "notes.txt: expected a file name ending in .py"),
        ({"broken.py": "def f(:"}, "./broken.py", "SyntaxError: "),
        ({"lacks.py": "import not_installed_here"}, "./lacks.py", "No module named 'not_installed_here'"),
        ({"taken.py": LIGHT % "small_cnn"}, "./taken.py", "the name 'small_cnn' is provided by zoo.plugins.small_cnn"),
    ],
)
def test_a_broken_file_breaks_nothing_else(use, files, entry, words):
    use(f"plugins: [{entry}, ./good.py]", **files, **{"good.py": LIGHT % "good"})
    with pytest.warns(zoo.errors.PluginLoadWarning):
        assert {"good", "small_cnn"} <= set(zoo.list_models())
    (failed,) = [record for record in zoo.list_plugins() if record.status == "failed"]
    assert words in failed.error


def test_settings_over_the_built_in_ones(use):
    built_in = zoo.get_model_info("small_cnn/cifar10")
    use(
        """
        datasets:
          mnist: {recipe: {learning_rate: 0.01}}
        presets:
          small_cnn/mnist: {config: {filters: [8]}}
          small_cnn/cifar10: {recipe: {epochs: 3}}
          "*/mnist-beta": {recipe: {kl_weight: 4}}
        benchmark: [small_cnn/mnist-beta]
        """
    )
    info = zoo.get_model_info("small_cnn/mnist")
    assert info.recipe["learning_rate"] == 0.01
    assert info.recipe["epochs"] == 20  # As before.
    assert info.config["filters"] == [8]
    assert not info.reference  # That of the built-in file is of another model.
    assert zoo.get_model_info("small_cnn/cifar10").recipe == {**built_in.recipe, "epochs": 3}
    assert zoo.get_model_info("small_cnn/cifar10").reference == built_in.reference
    assert zoo.get_model_info("residual/mnist-beta").recipe["kl_weight"] == 4
    assert catalogue.benchmark_presets() == ["small_cnn/mnist-beta"]


def test_settings_of_unknown_names_are_said(use):
    use("datasets: {mnits: {recipe: {epochs: 3}}}\npresets: {smal_cnn/mnist: {recipe: {epochs: 3}}}")
    with pytest.warns(UserWarning, match=r"without effect: there is no dataset 'mnits' and no preset 'smal_cnn/mnist'"):
        zoo.list_models()


def test_a_file_that_cannot_be_used(use, monkeypatch, tmp_path):
    use("plugins: {}")
    with pytest.raises(RegistryFileError, match=r"mine.yaml:2: plugins is a mapping: expected a list"):
        zoo.list_models()
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "absent.yaml"))
    with pytest.raises(RegistryFileError, match=r"absent.yaml: no file: expected a registry file"):
        zoo.list_models()
    monkeypatch.setenv("ZOO_REGISTRY", "")
    assert "small_cnn" in zoo.list_models()


def test_the_command_takes_a_file(use, monkeypatch, tmp_path):
    file = use("plugins: [./mine.py]", **{"mine.py": LIGHT % "mine"})
    monkeypatch.delenv("ZOO_REGISTRY")
    command = [sys.executable, "-m", "zoo"]
    relative = os.path.relpath(file)
    result = subprocess.run([*command, "--registry", relative, "list", "--json"], capture_output=True, check=True)
    assert "mine" in [row["name"] for row in json.loads(result.stdout)]
    file.write_text("version: 2")
    result = subprocess.run([*command, "--registry", file, "list"], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == f"zoo: {file}:1: version is 2: expected version: 1\n"
