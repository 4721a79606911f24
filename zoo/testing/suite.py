"""The checks without a test file: ``pytest --pyargs zoo.testing.suite --zoo-model my_ae``."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.testing.pytest_checks import make_parameters


def pytest_generate_tests(metafunc: Any) -> None:
    """Generate a test for each check of each name on the command line."""
    option = metafunc.config.getoption
    models, datasets = option("--zoo-model"), option("--zoo-dataset")
    if not models and not datasets:
        raise pytest.Collector.CollectError("zoo.testing.suite: pass --zoo-model NAME or --zoo-dataset NAME")
    named = [(name, "architecture") for name in models] + [(name, "dataset") for name in datasets]
    parameters = []
    for name, kind in named:
        for parameter in make_parameters(name, fast=option("--zoo-fast"), kind=kind, plugin=option("--zoo-plugin")):
            parameters.append(pytest.param(*parameter.values, id=f"{name}-{parameter.id}", marks=parameter.marks))
    metafunc.parametrize("check", parameters)


def test_conformance(check: Any) -> None:
    """The rule holds."""
    check()
