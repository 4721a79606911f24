"""The pytest options ``--zoo-model`` etc.; nothing else is imported when pytest starts."""

from __future__ import annotations

from typing import Any

# The options that name what to check, and the kind that each names.
OPTIONS = {"model": "architecture", "dataset": "dataset", "likelihood": "likelihood", "metric": "metric"}


def pytest_addoption(parser: Any) -> None:
    """Add the options of ``pytest --pyargs zoo.testing.suite``."""
    group = parser.getgroup("autoencoder-zoo")
    for option, kind in OPTIONS.items():
        group.addoption(f"--zoo-{option}", action="append", default=[], metavar="NAME", help=f"{kind} to check")
    group.addoption("--zoo-plugin", metavar="FILE|MODULE", help="plugin to load first")
    group.addoption("--zoo-image-shape", metavar="HxWxC", help="the only shape of images to check architectures with")
    group.addoption("--zoo-fast", action="store_true", help="skip the slow checks")


def pytest_collection(session: Any) -> None:
    """Reject unknown names before tests are generated for them."""
    option = session.config.getoption
    plugin, named = option("--zoo-plugin"), {kind: option(f"--zoo-{name}") for name, kind in OPTIONS.items()}
    if not plugin and not any(named.values()):
        return
    import pytest

    from zoo.errors import ZooError
    from zoo.registry import catalogue
    from zoo.testing.kinds import make_subject

    try:
        if plugin:
            catalogue.load_plugin(plugin)
        for kind, names in named.items():
            for name in names:
                make_subject(name, kind, image_shape=read_shape(session.config))
    except (ZooError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error


def read_shape(config: Any) -> tuple[int, int, int] | None:
    """Return the shape that ``--zoo-image-shape`` gives; None without it."""
    from zoo.testing.shapes import parse_shape

    text = config.getoption("--zoo-image-shape")
    return None if text is None else parse_shape(text)
