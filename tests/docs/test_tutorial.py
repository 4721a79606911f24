"""docs/plugins.md is run, step by step."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

import zoo

TEXT = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language):
    return [found[2] for found in BLOCK.finditer(TEXT) if found[1] == language]


def run(command, folder, **settings):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ZOO_")}
    environment |= {"PYTHONPATH": str(Path(zoo.__file__).parent.parent), "TF_CPP_MIN_LOG_LEVEL": "3", **settings}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_notebook_cells(tmp_path):
    (tmp_path / "cells.py").write_text("\n".join(blocks("python")))
    run([sys.executable, "cells.py"], tmp_path)
    assert (tmp_path / "two_layers.png").stat().st_size > 1000
    assert "two_layers" in next((tmp_path / "runs").glob("leaderboard.md")).read_text()


def commands():
    """Return the words of each command, block by block."""
    return [[line.split() for line in block.splitlines()] for block in blocks("sh")]


@pytest.mark.slow
def test_a_plugin_file(tmp_path):
    (registry,) = blocks("yaml")
    (tmp_path / "registry.yaml").write_text(registry)
    for words in [words for block in commands()[:2] for words in block]:
        assert words[0] == "zoo"
        printed = run([sys.executable, "-m", *words], tmp_path)
        if "check" in words:
            assert re.search(r"my_ae: \d+ passed in", printed)
    assert next(tmp_path.glob("runs/my_ae/mnist_sample/*/model.keras"))


@pytest.mark.slow
def test_a_package(tmp_path):
    new, change, install, *others = commands()[2]
    run([sys.executable, "-m", *new], tmp_path)
    assert change == ["cd", "my_net"]
    assert install[:2] == ["pip", "install"]
    project = tmp_path / "my_net"
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    run([*pip, "--target", str(target), "."], project)
    path = os.pathsep.join([str(target), str(Path(zoo.__file__).parent.parent)])
    for words in others:
        run([sys.executable, "-m", *words], project, PYTHONPATH=path)
    (lines,) = blocks("py")
    # The failure that the text expects does not come, and so the test says.
    (project / "tests" / "test_my_net.py").write_text(lines)
    with pytest.raises(AssertionError, match=r"XPASS\(strict\)"):
        run([sys.executable, "-m", "pytest", "-k", "float16"], project, PYTHONPATH=path)
    (suite,) = re.findall(r"`pytest (--pyargs .*?)`", TEXT)
    run([sys.executable, "-m", "pytest", *suite.split(), "--zoo-fast"], project, PYTHONPATH=path)
