"""Plugins of third parties, from nothing to a saved model: a package, a plugin file, and a script's ``zoo.register``.

All beside the zoo's own wheel, in an environment of its own.
"""

import json

import pytest
from support.installation import build, copy_checkout, install, run, uninstall

import zoo

pytestmark = pytest.mark.slow
# Loading in a process of its own: what comes out, and what was said of it.
LOAD = """
import sys, warnings
import zoo
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", UserWarning)
    model = zoo.load_model(sys.argv[1])
print(model.reconstruct(zoo.load_dataset("mnist_sample", limit=3).test.images).shape, model.optimizer is not None)
print(*(warning.message for warning in caught))
"""
LOADED = "(3, 28, 28, 1) True"
SCRIPT = """
import keras
import zoo

@zoo.register("my_ae", summary="One dense layer each way", defaults={"latent_dim": 8})
class MyAutoEncoder:
    def build_encoder(image_shape, latent_shape):
        images = keras.Input(image_shape)
        return keras.Model(images, zoo.layers.GaussianHead(latent_shape)(images))

    def build_decoder(latent_shape, output_shape):
        z = keras.Input(latent_shape)
        values = keras.layers.Dense(output_shape[0] * output_shape[1] * output_shape[2])(z)
        return keras.Model(z, keras.layers.Reshape(output_shape)(values))

if __name__ == "__main__":
    assert "my_ae" in zoo.list_models()
    print(zoo.train("my_ae/mnist_sample", epochs=1, progress=False).path)
"""


@pytest.fixture(scope="module")
def zoo_wheel(tmp_path_factory):
    checkout = copy_checkout(tmp_path_factory.mktemp("checkout") / "copy")
    return build(checkout, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def plain(zoo_wheel, tmp_path_factory):
    """An environment with the zoo's wheel alone."""
    return install(tmp_path_factory.mktemp("plain"), zoo_wheel)


def command(installation, *arguments, cwd, **settings):
    return run(installation.scripts / "zoo", *arguments, cwd=cwd, **settings)


def listed(installation, cwd, **settings):
    return {row["name"] for row in json.loads(command(installation, "list", "--json", cwd=cwd, **settings))}


def train(installation, cwd, **settings):
    """Train ``my_ae`` as a user does; gives the run folder."""
    arguments = ("train", "my_ae/mnist_sample", "--epochs", 1)
    return command(installation, *arguments, cwd=cwd, **settings).splitlines()[-1]


def load(installation, path, cwd, **settings):
    """Load a saved model in a new process; gives what was warned of."""
    shape, said = run(installation.python, "-c", LOAD, path, cwd=cwd, **settings).split("\n", 1)
    assert shape == LOADED
    return said.strip()


def check(installation, *where, cwd, **settings):
    """Run the conformance kit, and the tests in folders."""
    command(installation, "check", "my_ae", "--fast", cwd=cwd, **settings)
    for folder in where:
        run(installation.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder)


def test_package(plain, zoo_wheel, tmp_path):
    command(plain, "new", "my_ae", cwd=tmp_path)
    wheel = build(tmp_path / "my_ae", tmp_path)
    installation = install(tmp_path / "environment", zoo_wheel, wheel)
    assert "my_ae" in listed(installation, tmp_path)
    (record,) = [
        row for row in json.loads(command(installation, "plugins", "--json", cwd=tmp_path)) if row["name"] == "my_ae"
    ]
    assert (record["status"], record["origin"]) == ("ok", "entry point 'my_ae' of my-ae 0.1.0")
    check(installation, tmp_path / "my_ae", cwd=tmp_path)
    path = train(installation, tmp_path)
    for saved in (path, f"{path}/model.keras"):
        assert load(installation, saved, tmp_path) == ""

    uninstall(installation, "my-ae", tmp_path)
    assert listed(installation, tmp_path) == set(zoo.list_models())
    assert "is missing: install my-ae==0.1.0" in load(installation, path, tmp_path)
    with pytest.raises(AssertionError, match=r"It was trained with my-ae==0\.1\.0: install it"):
        command(installation, "train", "--resume", path, cwd=tmp_path)


def test_plugin_file(plain, tmp_path):
    command(plain, "new", "my_ae", "--here", cwd=tmp_path)
    registry = {"ZOO_REGISTRY": "registry.yaml"}
    assert "my_ae" in listed(plain, tmp_path, **registry)
    check(plain, cwd=tmp_path, **registry)
    path = train(plain, tmp_path, **registry)
    assert load(plain, path, tmp_path, **registry) == ""

    assert "my_ae" not in listed(plain, tmp_path)
    said = load(plain, path, tmp_path)
    assert "architecture 'my_ae' of plugin 'my_ae' is missing" in said
    assert "name the registry file that lists it (ZOO_REGISTRY)" in said


def test_script(plain, tmp_path):
    (tmp_path / "my_script.py").write_text(SCRIPT)
    path = run(plain.python, "my_script.py", cwd=tmp_path).splitlines()[-1]
    assert run(plain.python, "-c", f"import my_script\n{LOAD}", path, cwd=tmp_path).splitlines() == [LOADED, ""]
    assert "run the code that registers it before loading" in load(plain, path, tmp_path)
