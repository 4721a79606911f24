import sys
import tomllib

import pytest
from support.distributions import write_distribution
from support.pages import PLUGINS, file_of

import zoo


@pytest.fixture
def my_package(clean_registry, monkeypatch, tmp_path):
    """Install the package of docs/plugins.md, with builders."""
    site = tmp_path / "site-packages"
    for language in ("python", "toml"):
        for block in PLUGINS.blocks(language):
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
