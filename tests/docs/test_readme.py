"""README.md is run: its Python, its package, its commands' options, its links and its tables."""

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from PIL import Image
from support.distributions import write_distribution
from support.paths import ROOT

import zoo
from zoo.cli import main
from zoo.registry import catalogue

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WARNINGS = ("error", "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
CHECKS = """
assert zoo.list_models() == ["deep_cnn", "my_ae", "residual", "small_cnn", "vq_cnn"]
assert reconstructions.shape == (10, 28, 28, 1)
assert 0 <= reconstructions.min() <= reconstructions.max() <= 1
assert mean.shape == std.shape == (10, 16)
assert (same.reconstruct(data.test.images[:10]) == reconstructions).all()
assert set(logs) == {"loss", "reconstruction_loss", "kl_loss", "negative_elbo"}
"""


def blocks(language):
    """Return the blocks of one language: the line each begins on, and its text."""
    return [(TEXT[: found.start(2)].count("\n"), found[2]) for found in BLOCK.finditer(TEXT) if found[1] == language]


def file_of(block):
    """Return the file that a block's first line names, if it does."""
    named = re.match(r"# ([\w/]+\.(?:py|toml))", block)
    return named and named[1]


@pytest.fixture
def my_package(clean_registry, monkeypatch, tmp_path):
    """Install the README's package, with builders."""
    site = tmp_path / "site-packages"
    for language in ("python", "toml"):
        for _, block in blocks(language):
            if file_of(block):
                (site / file_of(block)).parent.mkdir(parents=True, exist_ok=True)
                (site / file_of(block)).write_text(block)
    (site / "my_package/model.py").write_text("from zoo.plugins.small_cnn.model import build_decoder, build_encoder\n")
    points = tomllib.loads((site / "pyproject.toml").read_text())["project"]["entry-points"]["zoo"]
    lines = "".join(f"{name} = {target}\n" for name, target in points.items())
    write_distribution(site, "my-package", "1.0", f"[zoo]\n{lines}")
    monkeypatch.syspath_prepend(site)
    zoo.refresh()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_package"]:
        del sys.modules[name]


def test_the_registry_file(my_package, monkeypatch, tmp_path):
    ((_, block),) = blocks("yaml")
    (tmp_path / "mine.yaml").write_text(block)
    hook = (tmp_path / "site-packages/my_package/__init__.py").read_text()
    # The same architecture as a file beside the registry, and no longer from a package.
    (tmp_path / "my_cnn.py").write_text(hook)
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "my_package")
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "mine.yaml"))
    zoo.refresh()
    assert zoo.get_model_info("my_cnn/mnist").config["latent_dim"] == 32
    assert zoo.get_model_info("residual/mnist-beta4").recipe["kl_weight"] == 4
    assert catalogue.benchmark_presets() == ["my_cnn/mnist", "small_cnn/mnist"]
    assert zoo.create_model("my_cnn/mnist").latent_shape == (32,)


def test_python_blocks_run_in_order(tmp_path):
    # Each block stands on the lines it has in README.md, so that a traceback tells them.
    script = ""
    for line, block in blocks("python"):
        if not file_of(block):
            script += "\n" * (line - script.count("\n")) + block
    (tmp_path / "script.py").write_text(script + CHECKS)
    for name in ("cats/one.png", "cats/two.png", "dogs/one.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (70, 64)).save(tmp_path / "photos" / name)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ZOO_")}
    environment |= {"PYTHONPATH": str(Path(zoo.__file__).parent.parent), "TF_CPP_MIN_LOG_LEVEL": "3"}
    options = [f"-W{warning}" for warning in WARNINGS]
    command = [sys.executable, *options, "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    check_printed(done.stdout)
    check_written(tmp_path)


def check_printed(printed):
    for _, block in blocks("python"):
        for promised in re.findall(r"^print\(.*\)  # (.+)$", block, re.MULTILINE):
            assert f"{promised}\n" in printed
    (header,) = re.findall(r"^\| model .*$", printed, re.MULTILINE)
    assert {"-ELBO", "bits/dim", "validation", "KL", "PSNR dB", "parameters"} <= {
        cell.strip() for cell in header.split("|")
    }
    assert re.search(r"^\| small_cnn +\| +[12] \| +1 \| +[\d,.]+ \|", printed, re.MULTILINE)
    assert re.search(r"^\| my_ae +\| +[12] \| +1 \| +[\d,.]+ \|", printed, re.MULTILINE)
    assert re.search(r"^\{'loss': [\d.]+, 'reconstruction_loss': ", printed, re.MULTILINE)


def check_written(folder):
    for name in ("reconstructions.png", "model.keras", *(f"my_runs/leaderboard.{kind}" for kind in ("md", "json"))):
        assert (folder / name).stat().st_size > 100
    runs = [path.parent for path in folder.glob("my_runs/*/mnist_sample/seed0-*/run.json")]
    assert {run.parent.parent.name for run in runs} == {"small_cnn", "my_ae"}
    for run in runs:
        assert json.loads((run / "run.json").read_text())["status"] == "finished"
        assert {"model.keras", "history.csv", "reconstructions.png"} <= {path.name for path in run.iterdir()}


def test_the_package_is_listed_and_builds(my_package):
    listed = CliRunner().invoke(main, ["list"])
    assert re.search(r"^my_cnn +My convolutional autoencoder", listed.stdout, re.MULTILINE)
    (record,) = [record for record in zoo.list_plugins() if record.name == "my_package"]
    assert record.status == "ok"
    model = zoo.create_model("my_cnn/mnist")
    assert list(model.encoder.output_shape) == [(None, 16), (None, 16)]


def commands():
    """Return the words of every ``zoo`` command of the sh blocks, with what stands in brackets."""
    for _, block in blocks("sh"):
        text = re.sub(r" #.*| \.\.\.\]|[\[\]]", "", block)
        for command in re.split(r"\n|&&|(?<=\S)\s{2,}(?=zoo )", text):
            words = shlex.split(command)
            if words[:1] == ["zoo"]:
                yield words[1:]


def parse(words):
    """Return the command and its parameters, as click reads them; nothing runs."""
    command = main.commands[words[0]]
    return command, command.make_context(words[0], list(words[1:]), parent=click.Context(main)).params


def test_commands_exist_with_their_options(my_package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("IMAGE").touch()
    used = set()
    for words in commands():
        command, params = parse(words)
        used.add(command.name)
        presets = [params.get("preset"), *params.get("presets", ())] if command.name != "list" else []
        for name in filter(None, presets):
            zoo.get_model_info(name)
    assert used == set(main.commands)


@pytest.mark.parametrize("code", sorted(set(re.findall(r"`zoo ([^`]+)`", TEXT))))
def test_commands_named_in_the_text_exist(code):
    name, *words = code.split()
    options = {option: param for param in main.commands[name].params for option in param.opts}
    for position, option in enumerate(words):
        if option.startswith("--"):
            assert option in options
            if isinstance(options[option].type, click.Choice):
                assert words[position + 1] in options[option].type.choices


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?://)([^)#]+)\)", TEXT))))
def test_links_lead_to_files(target):
    assert (ROOT / target).is_file()


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("README.md", {"models", "benchmark"}),
        ("docs/leaderboard.md", {"leaderboard"}),
        ("docs/plugins.md", {"checks"}),
        ("docs/results.md", {"mnist_binary", "cifar10"}),
        ("docs/scores.md", {"scores"}),
        ("docs/speed.md", {"speed"}),
    ],
)
def test_tables_are_those_that_docs_tables_makes(file, names):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- tables:(\w+) -->", text)) == names
    fill_tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))["fill_tables"]
    assert fill_tables(text) == text, "stale: run python docs/tables.py"
