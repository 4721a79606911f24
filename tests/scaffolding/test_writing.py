"""``zoo new``: what it writes, and that this works as it is."""

import datetime
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.distributions import write_distribution
from support.paths import ROOT

import zoo
from zoo.cli import main
from zoo.environment import install_command
from zoo.registry.import_file import import_file
from zoo.scaffolding.names import LONGEST

PROJECT = {
    "README.md", "LICENSE", "pyproject.toml", ".gitignore", ".github/workflows/ci.yml", "src/my_ae/__init__.py",
    "src/my_ae/model.py", "tests/test_my_ae.py",
}  # fmt: skip
TEST = """\
import zoo.testing


@zoo.testing.parametrize_checks("my_ae")
def test_conformance(check):
    check()
"""


@pytest.fixture
def package(new, monkeypatch, tmp_path):
    """Install what ``zoo new my_ae`` writes, by its entry point."""
    assert new("my_ae").exit_code == 0
    project = tomllib.loads(Path("my_ae/pyproject.toml").read_text())["project"]
    site = tmp_path / "site-packages"
    site.mkdir()
    points = "".join(f"{name} = {target}\n" for name, target in project["entry-points"]["zoo"].items())
    write_distribution(site, project["name"], project["version"], f"[zoo]\n{points}")
    monkeypatch.syspath_prepend(site)
    monkeypatch.syspath_prepend(Path("my_ae/src").absolute())
    zoo.refresh()


def files_of(folder):
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if not path.is_dir()}


def test_project(new):
    result = new("my_ae")
    assert result.exit_code == 0
    assert files_of(".") == {f"my_ae/{name}" for name in PROJECT}
    written, commands = result.stdout.split("\n\n")
    assert set(written.splitlines()) == files_of(".")
    assert commands.split("\n  ")[1:3] == ["cd my_ae", "pip install -e '.[dev]'"]
    assert "zoo check my_ae" in commands
    assert Path("my_ae/tests/test_my_ae.py").read_text() == TEST
    assert f"(c) {datetime.date.today().year} the authors of my_ae\n" in Path("my_ae/LICENSE").read_text()
    steps = yaml.safe_load(Path("my_ae/.github/workflows/ci.yml").read_text())["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [
        install_command(), 'pip install -e ".[dev]"', "ruff check .", "ruff format --check .", "mypy", "pytest",
    ]  # fmt: skip
    for name in PROJECT - {".github/workflows/ci.yml"}:
        assert "$" not in Path("my_ae", name).read_text()
    check_metadata(tomllib.loads(Path("my_ae/pyproject.toml").read_text()))


def check_metadata(content):
    project = content["project"]
    assert project["name"] == "my-ae"
    assert project["dependencies"] == [f"autoencoder-zoo>={zoo.__version__}"]
    assert project["entry-points"] == {"zoo": {"my_ae": "my_ae"}}
    assert project["optional-dependencies"]["test"] == ["pytest>=8"]
    assert content["build-system"]["build-backend"] == "hatchling.build"
    assert content["tool"].keys() == {"hatch", "ruff", "mypy", "pytest"}


def test_project_in_another_folder(new):
    result = new("my_ae", "--out", "some where/else")
    assert result.exit_code == 0
    assert files_of("some where/else/my_ae") == PROJECT
    assert "\n  cd 'some where/else/my_ae'\n" in result.stdout


def test_the_names_of_commands_in_what_is_written_exist(new):
    new("my_ae")
    text = Path("my_ae/README.md").read_text() + new("my_other", "--here").stdout
    used = set(re.findall(r"^ *zoo (?:--registry \S+ )?([a-z]+)", text, re.MULTILINE))
    assert {"train", "check", "benchmark"} <= used <= {*main.commands, "check"}


@pytest.mark.slow
def test_package_works(package, tmp_path):
    (record,) = [record for record in zoo.list_plugins() if record.name == "my_ae"]
    assert (record.status, record.version, record.distribution) == ("ok", "0.1.0", "my-ae")
    for shape in ((28, 28, 1), (32, 32, 3), (31, 17, 2), (1, 1, 1)):
        model = zoo.create_model("my_ae", image_shape=shape, filters=[4, 8, 8], latent_dim=3)
        assert model.reconstruct(np.zeros((2, *shape), "uint8")).shape == (2, *shape)
    images = zoo.load_dataset("mnist_sample", limit=256).train.images
    model = zoo.create_model("my_ae/mnist_sample", seed=0)
    losses = model.fit(images, epochs=3, batch_size=32, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    model.save(tmp_path / "model.keras")
    loaded = zoo.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.reconstruct(images[:5]), model.reconstruct(images[:5]))


def test_plugin_file(new, monkeypatch):
    result = new("my_ae", "--here")
    assert result.exit_code == 0
    assert files_of(".") == {"my_ae.py", "my_ae_networks.py", "registry.yaml"}
    written = ["my_ae.py", "my_ae_networks.py", "registry.yaml"]
    assert result.stdout.splitlines()[:5] == [*written, "", "listed in registry.yaml"]
    assert "\n  zoo --registry registry.yaml check my_ae\n" in result.stdout
    assert Path("registry.yaml").read_text() == "version: 1\nplugins: [./my_ae.py]\n"
    monkeypatch.setenv("ZOO_REGISTRY", "registry.yaml")
    zoo.refresh()
    (record,) = [record for record in zoo.list_plugins() if record.name == "my_ae"]
    assert record.status == "ok"
    for shape in ((28, 28, 1), (31, 17, 2)):
        assert zoo.create_model("my_ae", image_shape=shape).image_shape == shape


def test_plugin_file_and_package_are_one_architecture(new):
    new("my_ae")
    new("my_ae", "--here")
    shapes = []
    for path in ("my_ae_networks.py", "my_ae/src/my_ae/model.py"):
        module = import_file(Path(path).absolute())
        encoder = module.build_encoder((31, 17, 2), (5,), filters=[4, 8, 6])
        decoder = module.build_decoder((5,), (31, 17, 4), filters=[4, 8, 6])
        shapes.append([weight.shape for weight in encoder.weights + decoder.weights])
    assert shapes[0] == shapes[1]


def test_a_registry_that_is_there_stays(new):
    Path("registry.yaml").write_text("version: 1\n")
    result = new("my_ae", "--here")
    assert result.exit_code == 0
    assert Path("registry.yaml").read_text() == "version: 1\n"
    assert "registry.yaml exists and was not changed: add ./my_ae.py to its plugins" in result.stdout


def test_the_registry_in_use_is_the_one_to_be_changed(new, write_registry, monkeypatch):
    file = write_registry("")
    monkeypatch.setenv("ZOO_REGISTRY", str(file))
    result = new("my_ae", "--here")
    assert files_of(".") == {"my_ae.py", "my_ae_networks.py"}
    assert f"{file} exists and was not changed" in result.stdout
    assert f'plugins: ["{Path("my_ae.py").absolute()}"]' in result.stdout  # Quoted: the path has a space.
    assert f"zoo --registry '{file}' check my_ae" in result.stdout


@pytest.mark.parametrize("options", [[], ["--here"]])
def test_keras_is_not_imported(new, options):
    code = (
        "import sys; from zoo.cli import main; main(sys.argv[1:], standalone_mode=False); "
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'matplotlib', 'scipy', 'numpy'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, "new", "my_ae", *options], check=True, env=environment)


def run_tool(tool, *arguments, cwd):
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"needs {tool}")
    environment = os.environ | {"MYPYPATH": str(ROOT), "RUFF_NO_CACHE": "true"}
    command = [sys.executable, "-m", tool, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["a", "my_ae", "z" * LONGEST])
def test_ruff_finds_nothing(new, name):
    assert new(name).exit_code == 0
    run_tool("ruff", "check", ".", cwd=name)
    run_tool("ruff", "format", "--check", ".", cwd=name)
    assert new(name, "--here").exit_code == 0
    settings = ROOT / "pyproject.toml"
    run_tool("ruff", "check", "--config", settings, f"{name}.py", cwd=".")
    run_tool("ruff", "check", "--config", settings, "--ignore", "TID253", f"{name}_networks.py", cwd=".")
    run_tool("ruff", "format", "--check", "--config", settings, f"{name}.py", f"{name}_networks.py", cwd=".")


@pytest.mark.slow
def test_mypy_finds_nothing(new, tmp_path):
    assert new("my_ae").exit_code == 0
    # The zoo is no part of what is checked: installed, it would be looked up alone.
    options = ("--follow-imports=silent", "--cache-dir", tmp_path / "cache")
    run_tool("mypy", *options, cwd="my_ae")
    assert new("my_ae", "--here").exit_code == 0
    # Two files without settings of their own: Keras has no types.
    untyped = ("--disable-error-code", "import-untyped")
    run_tool("mypy", *options, *untyped, "my_ae.py", "my_ae_networks.py", cwd=".")
