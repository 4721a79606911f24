"""The checks without a test file: ``pytest --pyargs zoo.testing.suite --zoo-model my_ae``."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.testing.pytest_checks import make_parameters
from zoo.testing.pytest_plugin import OPTIONS, read_shape


def pytest_generate_tests(metafunc: Any) -> None:
    """Generate a test for each check of each name on the command line."""
    option = metafunc.config.getoption
    named = [(name, kind) for word, kind in OPTIONS.items() for name in option(f"--zoo-{word}")]
    if not named:
        words = " or ".join(f"--zoo-{word} NAME" for word in OPTIONS)
        raise pytest.Collector.CollectError(f"zoo.testing.suite: pass {words}")
    parameters = []
    for name, kind in named:
        for parameter in make_parameters(
            name, fast=option("--zoo-fast"), kind=kind, plugin=option("--zoo-plugin"),
            image_shape=read_shape(metafunc.config) if kind == "architecture" else None,
        ):  # fmt: skip
            parameters.append(pytest.param(*parameter.values, id=f"{name}-{parameter.id}", marks=parameter.marks))
    metafunc.parametrize("check", parameters)


def test_conformance(check: Any) -> None:
    """The rule holds."""
    check()
