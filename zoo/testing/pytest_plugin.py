"""pytest's options ``--zoo-model`` and so on; nothing else is imported when pytest starts."""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add the options of ``pytest --pyargs zoo.testing.suite``."""
    group = parser.getgroup("autoencoder-zoo")
    group.addoption(
        "--zoo-model", action="append", default=[], metavar="NAME", help="architecture that zoo.testing.suite checks"
    )
    group.addoption("--zoo-dataset", action="append", default=[], metavar="NAME", help="dataset that it checks")
    group.addoption("--zoo-plugin", metavar="FILE|MODULE", help="plugin that it loads first")
    group.addoption("--zoo-fast", action="store_true", help="leave out the slow checks")


def pytest_collection(session: Any) -> None:
    """Refuse unknown names before there is a test for each of their checks."""
    option = session.config.getoption
    models, datasets, plugin = option("--zoo-model"), option("--zoo-dataset"), option("--zoo-plugin")
    if not models and not datasets and not plugin:
        return
    import pytest

    from zoo.errors import ZooError
    from zoo.registry import catalogue

    try:
        if plugin:
            catalogue.load_plugin(plugin)
        for name in models:
            catalogue.architecture(name)
        for name in datasets:
            catalogue.dataset(name)
    except ZooError as error:
        raise pytest.UsageError(str(error)) from error
