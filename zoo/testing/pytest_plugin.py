"""The pytest options ``--zoo-model`` etc.; nothing else is imported when pytest starts."""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add the options of ``pytest --pyargs zoo.testing.suite``."""
    group = parser.getgroup("autoencoder-zoo")
    group.addoption(
        "--zoo-model", action="append", default=[], metavar="NAME", help="architecture for zoo.testing.suite to check"
    )
    group.addoption("--zoo-dataset", action="append", default=[], metavar="NAME", help="dataset to check")
    group.addoption("--zoo-plugin", metavar="FILE|MODULE", help="plugin to load first")
    group.addoption("--zoo-fast", action="store_true", help="skip the slow checks")


def pytest_collection(session: Any) -> None:
    """Reject unknown names before tests are generated for them."""
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
