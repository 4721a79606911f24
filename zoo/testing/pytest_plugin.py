"""pytest's options ``--zoo-model`` and ``--zoo-fast``; nothing else is imported when pytest starts."""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add the options of ``pytest --pyargs zoo.testing.suite``."""
    group = parser.getgroup("autoencoder-zoo")
    group.addoption(
        "--zoo-model", action="append", default=[], metavar="NAME", help="architecture that zoo.testing.suite checks"
    )
    group.addoption("--zoo-dataset", action="append", default=[], metavar="NAME", help="dataset that it checks")
    group.addoption("--zoo-fast", action="store_true", help="leave out the slow checks")
