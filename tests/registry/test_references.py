"""References to modules and to files beside a plugin file, and what of them is imported when."""

import sys

import pytest
from support.installation import run
from support.paths import ROOT

import zoo
from zoo.errors import ArchitectureError
from zoo.registry import catalogue
from zoo.registry.references import is_imported, locate, resolve_reference

PLUGIN = """
from zoo import Architecture, hookimpl

@hookimpl
def zoo_architectures():
    builders = ("parts/nets.py:encode", "parts/nets.py:decode")
    yield Architecture("layered", "A layer of its own", *builders, {"latent_dim": 2})
"""
NETS = """
import keras
from zoo.layers import GaussianHead

@keras.saving.register_keras_serializable("test_references")
class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs

def encode(image_shape, latent_shape):
    images = keras.Input(image_shape)
    return keras.Model(images, GaussianHead(latent_shape)(keras.layers.Flatten()(Doubled()(images))))

def decode(latent_shape, output_shape):
    z = keras.Input(latent_shape)
    x = keras.layers.Dense(output_shape[0] * output_shape[1] * output_shape[2])(Doubled()(z))
    return keras.Model(z, keras.layers.Reshape(output_shape)(x))
"""
LOADING = """
import sys
import zoo
print(zoo.list_models())
assert "keras" not in sys.modules
model = zoo.load_model(sys.argv[1])
print([type(layer).__name__ for layer in model.encoder.layers])
"""


@pytest.fixture
def plugin(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "nets.py").write_text(NETS)
    (tmp_path / "layered.py").write_text(PLUGIN)
    return tmp_path / "layered.py"


@pytest.mark.slow
def test_a_plugin_file_has_layers_in_a_second_file(clean_registry, plugin, tmp_path, write_registry):
    assert catalogue.load_plugin(str(plugin)).status == "ok"
    encoder = catalogue.architecture("layered").encoder
    assert encoder == f"{tmp_path.resolve()}/parts/nets.py:encode"
    assert not is_imported(encoder)
    model = zoo.create_model("layered", image_shape=(4, 3, 1))
    assert is_imported(encoder)
    assert [type(layer).__name__ for layer in model.encoder.layers][1] == "Doubled"
    model.save(tmp_path / "model.keras")
    registry = write_registry("plugins: [./layered.py]\n")
    settings = {"PYTHONPATH": str(ROOT), "ZOO_REGISTRY": str(registry)}
    printed = run(sys.executable, "-c", LOADING, tmp_path / "model.keras", cwd=tmp_path, **settings)
    assert "layered" in printed
    assert "Doubled" in printed.splitlines()[-1]


def test_a_file_that_is_not_there_is_named(clean_registry, plugin, tmp_path):
    (tmp_path / "parts" / "nets.py").unlink()
    catalogue.load_plugin(str(plugin))
    with pytest.raises(
        ArchitectureError, match=r"encoder builder '.*parts/nets.py:encode' cannot be imported: .*no such"
    ):
        zoo.create_model("layered", image_shape=(4, 3, 1))


def test_where_a_file_is(tmp_path):
    assert locate("a.py:f", tmp_path) == f"{tmp_path.resolve()}/a.py:f"
    assert locate("../a.py:f", tmp_path / "b") == f"{tmp_path.resolve()}/a.py:f"
    assert locate(f"{tmp_path.resolve()}/a.py:f", tmp_path / "b") == f"{tmp_path.resolve()}/a.py:f"
    for other in ("a.b:f", len, None):
        assert locate(other, tmp_path) is other
    assert locate("a.py:f", None) == "a.py:f"


def test_a_changed_file_is_imported_again(tmp_path):
    file = tmp_path / "a file.py"
    for value in (1, 2):
        file.write_text(f"def give():\n    return {value}\n")
        assert resolve_reference(f"{file}:give")() == value


def test_modules_are_found_by_name():
    assert resolve_reference("json:dumps") is sys.modules["json"].dumps
    assert is_imported("json:dumps")
    assert not is_imported("absent_module:f")
    with pytest.raises(TypeError, match=r"sys:path is .*: expected a function"):
        resolve_reference("sys:path")
