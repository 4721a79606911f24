"""What is built and installed, used from a folder that has a ``plugins`` of its own. Needs no network."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
INSTALL = ["install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed"]
MODEL = """
import zoo
from zoo.models import residual

images = zoo.load_dataset("mnist_sample", limit=3).test.images
model = zoo.create_model("small_cnn/mnist")
assert model.predict(images, verbose=0).shape == (3, 28, 28, 1)
print(residual.build_decoder((16,), (28, 28, 1)).output_shape)
"""


def run(*command, cwd, **settings):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ZOO_", "PIP_"))}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3"} | settings
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def files_of(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in files}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Copy what is not ignored, so that nothing is built inside the checkout."""
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    copy = tmp_path_factory.mktemp("checkout") / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", *(line.strip("/") for line in ignored)))
    return copy


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory):
    """Build the wheel and the sdist, both from the checkout."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--sdist", "--outdir", out, checkout, cwd=out)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A user's folder, with a package called ``plugins`` that is not the zoo's."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "plugins").mkdir()
    (folder / "plugins" / "__init__.py").write_text("raise RuntimeError('the plugins of somebody else')\n")
    return folder


@dataclass
class Installation:
    """A Python that finds the zoo, the folder it finds it in, and where its commands are."""

    python: str | Path
    home: Path
    scripts: Path | None = None
    settings: dict | None = None

    def run(self, *arguments, cwd):
        return run(self.python, *arguments, cwd=cwd, **(self.settings or {}))


def install(folder, *target):
    """Install into a new environment that borrows the dependencies of this one."""
    venv.create(folder)
    places = {"base": str(folder), "platbase": str(folder)}
    site, scripts = (Path(sysconfig.get_path(name, "venv", places)) for name in ("purelib", "scripts"))
    borrowed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    # The last of the .pth files by name: an editable install's own comes before it.
    (site / "zz_borrowed.pth").write_text("\n".join(borrowed) + "\n")
    run(*PIP, "--python", scripts / "python", *INSTALL, *target, cwd=folder)
    return Installation(scripts / "python", site, scripts)


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
        "zoo/training/run.schema.json",
        *(f"zoo/data/samples/{name}" for name in ("mnist.webp", "mnist.txt", "cifar10.webp", "cifar10.txt")),
        "zoo/data/samples/README.md",
        f"autoencoder_zoo-{zoo.__version__}.dist-info/licenses/LICENSE",
        f"autoencoder_zoo-{zoo.__version__}.dist-info/licenses/zoo/data/samples/README.md",
    }
    assert texts["entry_points.txt"].split() == ["[console_scripts]", "zoo", "=", "zoo.cli:main"]
    assert f"\nVersion: {zoo.__version__}\n" in texts["METADATA"]
    assert "\n# autoencoder-zoo\n" in texts["METADATA"]


def test_sdist_holds_the_checkout(checkout, built):
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert names == files_of(checkout) | {"PKG-INFO"}


def test_works_beside_a_folder_called_plugins(installation, elsewhere):
    where = installation.run("-c", "import zoo; print(zoo.__file__)", cwd=elsewhere).strip()
    assert Path(where).resolve() == (installation.home / "zoo" / "__init__.py").resolve()
    listed = json.loads(installation.run("-m", "zoo", "list", "--json", cwd=elsewhere))
    assert {"deep_cnn", "residual", "small_cnn", "vq_cnn"} <= {row["name"] for row in listed}
    assert "28 x 28 x 1" in installation.run("-m", "zoo", "show", "small_cnn/mnist", cwd=elsewhere)
    assert "(None, 28, 28, 1)" in installation.run("-c", MODEL, cwd=elsewhere)


def test_command(wheel_installation, elsewhere):
    command = wheel_installation.scripts / "zoo"
    assert zoo.__version__ in run(command, "--version", cwd=elsewhere)
    for name in ("deep_cnn", "residual", "small_cnn", "vq_cnn"):
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
    with pytest.raises(AssertionError, match=r"zoo/plugins\.py belongs to a checkout with plugins/ beside zoo/"):
        run(sys.executable, "-c", "import zoo.plugins", cwd=tmp_path)
