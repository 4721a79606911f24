"""What is built and installed, used from a folder that has a ``plugins`` of its own. Needs no network."""

import json
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.installation import Installation, build, copy_checkout, files_of, install, run

import zoo

MODEL = """
import zoo
from zoo.models import residual

images = zoo.load_dataset("mnist_sample", limit=3).test.images
model = zoo.create_model("small_cnn/mnist")
assert model.predict(images, verbose=0).shape == (3, 28, 28, 1)
print(residual.build_decoder((16,), (28, 28, 1)).output_shape)
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("checkout") / "copy")


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory):
    """Build the wheel and the sdist, both from the checkout."""
    out = tmp_path_factory.mktemp("dist")
    return {kind: build(checkout, out, kind) for kind in ("wheel", "sdist")}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A user's folder, with a package called ``plugins`` that is not the zoo's."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "plugins").mkdir()
    (folder / "plugins" / "__init__.py").write_text("raise RuntimeError('the plugins of somebody else')\n")
    return folder


@pytest.fixture(scope="module")
def wheel_installation(built, tmp_path_factory):
    return install(tmp_path_factory.mktemp("wheel"), built["wheel"])


@pytest.fixture(params=["wheel", *(pytest.param(way, marks=pytest.mark.slow) for way in ("sdist", "editable", "bare"))])
def installation(request, tmp_path):
    if request.param == "wheel":
        return request.getfixturevalue("wheel_installation")
    checkout = request.getfixturevalue("checkout")
    if request.param == "bare":
        return Installation(sys.executable, checkout, settings={"PYTHONPATH": str(checkout)})
    if request.param == "editable":
        made = install(tmp_path, "--editable", checkout)
        made.home = checkout
        return made
    return install(tmp_path, request.getfixturevalue("built")["sdist"])


def test_wheel_holds_the_package_and_nothing_else(checkout, built):
    with zipfile.ZipFile(built["wheel"]) as wheel:
        names = set(wheel.namelist())
        texts = {name.rpartition("/")[2]: wheel.read(name).decode() for name in names if ".dist-info/" in name}
    package = {f"zoo/{name}" for name in files_of(checkout / "zoo")} - {"zoo/plugins.py"}
    plugins = {f"zoo/plugins/{name}" for name in files_of(checkout / "plugins")}
    assert {name for name in names if ".dist-info/" not in name} == package | plugins | {"zoo/registry.yaml"}
    assert names > {
        "zoo/plugins/small_cnn/model.py",
        "zoo/registry.yaml",
        "zoo/py.typed",
        "zoo/runs/run.schema.json",
        *(f"zoo/data/samples/{name}" for name in ("mnist.webp", "mnist.txt", "cifar10.webp", "cifar10.txt")),
        "zoo/data/samples/README.md",
        f"autoencoder_zoo-{zoo.__version__}.dist-info/licenses/LICENSE",
        f"autoencoder_zoo-{zoo.__version__}.dist-info/licenses/zoo/data/samples/README.md",
    }
    assert texts["entry_points.txt"].split("\n\n") == [
        "[console_scripts]\nzoo = zoo.cli:main",
        "[pytest11]\nzoo = zoo.testing.pytest_plugin\n",
    ]
    assert f"\nVersion: {zoo.__version__}\n" in texts["METADATA"]
    assert "\n# autoencoder-zoo\n" in texts["METADATA"]


def test_sdist_holds_the_checkout(checkout, built):
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    # The leaderboard's runs and models are larger than all the rest.
    kept = {name for name in files_of(checkout) if not name.startswith("docs/leaderboard/")}
    assert names == kept | {"PKG-INFO"}


def test_works_beside_a_folder_called_plugins(installation, elsewhere):
    where = installation.run("-c", "import zoo; print(zoo.__file__)", cwd=elsewhere).strip()
    assert Path(where).resolve() == (installation.home / "zoo" / "__init__.py").resolve()
    listed = json.loads(installation.run("-m", "zoo", "list", "--json", cwd=elsewhere))
    assert {"deep_cnn", "fsq_cnn", "ladder", "residual", "small_cnn", "vq_cnn"} <= {row["name"] for row in listed}
    assert "28 x 28 x 1" in installation.run("-m", "zoo", "show", "small_cnn/mnist", cwd=elsewhere)
    assert "(None, 28, 28, 1)" in installation.run("-c", MODEL, cwd=elsewhere)


def test_command(wheel_installation, elsewhere):
    command = wheel_installation.scripts / "zoo"
    assert zoo.__version__ in run(command, "--version", cwd=elsewhere)
    for name in ("deep_cnn", "fsq_cnn", "ladder", "residual", "small_cnn", "vq_cnn"):
        assert name in run(command, "list", cwd=elsewhere)
    assert "28 x 28 x 1" in run(command, "show", "small_cnn/mnist", cwd=elsewhere)
    plugins = json.loads(run(command, "plugins", "--json", cwd=elsewhere))
    assert {"zoo.data", "zoo.plugins.small_cnn"} <= {row["name"] for row in plugins if row["status"] == "ok"}


@pytest.mark.parametrize("module", ["plugins", "plugins.small_cnn"])
def test_plugins_has_one_name(checkout, module):
    with pytest.raises(AssertionError, match=r"ImportError: this folder is the package zoo\.plugins, not plugins"):
        run(sys.executable, "-c", f"import {module}", cwd=checkout)


def test_checkout_without_its_plugins_says_so(checkout, tmp_path):
    shutil.copytree(checkout / "zoo", tmp_path / "zoo")
    with pytest.raises(AssertionError, match=r"zoo/plugins\.py belongs to a checkout with plugins/ next to zoo/"):
        run(sys.executable, "-c", "import zoo.plugins", cwd=tmp_path)
