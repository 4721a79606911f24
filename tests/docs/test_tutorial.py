"""docs/plugins.md is run, step by step."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.pages import PLUGINS, PYTHON, run

import zoo
from zoo.cli import main
from zoo.registry import catalogue

PLUGIN_FILE, REGISTRY = PLUGINS.blocks("yaml")


def test_the_registry_file(my_package, monkeypatch, tmp_path):
    (tmp_path / "mine.yaml").write_text(REGISTRY)
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


def test_the_package_is_listed_and_builds(my_package):
    listed = CliRunner().invoke(main, ["list"])
    assert re.search(r"^my_cnn +My convolutional autoencoder", listed.stdout, re.MULTILINE)
    (record,) = [record for record in zoo.list_plugins() if record.name == "my_package"]
    assert record.status == "ok"
    model = zoo.create_model("my_cnn/mnist")
    assert list(model.encoder.output_shape) == [(None, 16), (None, 16)]


def test_the_plugin_file_and_its_networks(my_package, tmp_path):
    catalogue.load_plugin(str(tmp_path / "site-packages" / "my_ae.py"))
    model = zoo.create_model("my_ae", image_shape=(9, 7, 1), latent_dim=2)
    assert [type(layer).__name__ for layer in model.encoder.layers].count("Residual") == 1
    model.save(tmp_path / "model.keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 1), np.uint8)
    loaded = zoo.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.reconstruct(images), model.reconstruct(images), atol=1e-6)


@pytest.mark.slow
def test_notebook_cells(tmp_path):
    (tmp_path / "cells.py").write_text(PLUGINS.script())
    printed = run([PYTHON, "cells.py"], tmp_path)
    assert all(f"{promised}\n" in printed for promised in PLUGINS.promises())
    assert (tmp_path / "two_layers.png").stat().st_size > 1000
    assert "two_layers" in next((tmp_path / "runs").glob("leaderboard.md")).read_text()


def commands():
    """Return the words of each command, block by block."""
    return [[line.split() for line in block.splitlines()] for block in PLUGINS.blocks("sh")]


@pytest.mark.slow
def test_a_plugin_file(tmp_path):
    (tmp_path / "registry.yaml").write_text(PLUGIN_FILE)
    for words in [words for block in commands()[:2] for words in block]:
        assert words[0] == "zoo"
        printed = run([PYTHON, "-m", *words], tmp_path)
        if "check" in words:
            assert re.search(r"my_ae: \d+ passed in", printed)
    assert next(tmp_path.glob("runs/my_ae/mnist_sample/*/model.keras"))


@pytest.mark.slow
def test_a_package(tmp_path):
    new, change, install, *others = commands()[2]
    run([PYTHON, "-m", *new], tmp_path)
    assert change == ["cd", "my_net"]
    assert install[:2] == ["pip", "install"]
    project = tmp_path / "my_net"
    target = tmp_path / "site"
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    run([*pip, "--target", str(target), "."], project)
    path = os.pathsep.join([str(target), str(Path(zoo.__file__).parent.parent)])
    for words in others:
        run([PYTHON, "-m", *words], project, PYTHONPATH=path)
    (lines,) = PLUGINS.blocks("py")
    # The failure that the text expects does not come, and so the test says.
    (project / "tests" / "test_my_net.py").write_text(lines)
    with pytest.raises(AssertionError, match=r"XPASS\(strict\)"):
        run([PYTHON, "-m", "pytest", "-k", "float16"], project, PYTHONPATH=path)
    (suite,) = re.findall(r"`pytest (--pyargs .*?)`", PLUGINS.text)
    run([PYTHON, "-m", "pytest", *suite.split(), "--zoo-fast"], project, PYTHONPATH=path)
