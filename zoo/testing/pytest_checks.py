"""Checks as pytest tests."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pytest

from zoo.testing.catalogue import list_checks
from zoo.testing.kinds import make_subject
from zoo.testing.rule import Check, CheckFailure, CheckSkipped
from zoo.testing.runner import call_check


@functools.cache
def _subject(name: str, kind: str, plugin: str | None, image_shape: tuple[int, ...] | None) -> Any:
    """Return the subject shared by all tests of a name, so that its models are built only once."""
    return make_subject(name, kind, plugin, image_shape)


class BoundCheck:
    """A check of one architecture, dataset, likelihood or metric, called without arguments."""

    def __init__(
        self, item: Check, name: str, plugin: str | None = None, image_shape: tuple[int, ...] | None = None
    ) -> None:
        self.item, self.name, self.plugin, self.image_shape = item, name, plugin, image_shape

    def __repr__(self) -> str:
        return f"{self.item.name} of {self.name}"

    def __call__(self) -> None:
        """Run the check; skip it if it does not apply."""
        try:
            call_check(self.item, _subject(self.name, self.item.kind, self.plugin, self.image_shape))
        except CheckSkipped as reason:
            pytest.skip(str(reason))


def parametrize_checks(
    name: str,
    *,
    expected_failures: Mapping[str, str] | None = None,
    fast: bool = False,
    kind: str = "architecture",
    plugin: str | None = None,
    image_shape: tuple[int, int, int] | None = None,
) -> Any:
    """Turn a test function with the argument ``check`` into one test for each check.

    Args:
        name: the name of an architecture, a dataset, a likelihood or a metric; nothing is looked up until a test runs.
        expected_failures: check name -> the reason why it fails; if the check passes, its test fails.
        fast: leave out the slow checks.
        kind: ``architecture``, ``dataset``, ``likelihood`` or ``metric``.
        plugin: a file or a module to load first; the path of a file is relative to the working directory.
        image_shape: the only shape of images to check an architecture with; see ``check_architecture``.

    Returns:
        A decorator.

    Raises:
        ValueError: ``expected_failures`` names an unknown check.

    Example:
        ```python
        @zoo.testing.parametrize_checks("my_ae")
        def test_conformance(check):
            check()
        ```
    """
    return pytest.mark.parametrize(
        "check", make_parameters(name, expected_failures, fast=fast, kind=kind, plugin=plugin, image_shape=image_shape)
    )


def make_parameters(
    name: str,
    expected_failures: Mapping[str, str] | None = None,
    *,
    fast: bool = False,
    kind: str = "architecture",
    plugin: str | None = None,
    image_shape: tuple[int, ...] | None = None,
) -> list[Any]:
    """Return pytest parameters for all checks of a name; see ``parametrize_checks``."""
    expected = dict(expected_failures or {})
    items = list_checks(kind, fast=fast)
    known = [item.name for item in list_checks(kind)]
    unknown = sorted(set(expected) - set(known))
    if unknown:
        raise ValueError(f"expected_failures names {', '.join(unknown)}: expected some of {', '.join(known)}")
    return [
        pytest.param(
            BoundCheck(item, name, plugin, image_shape),
            id=item.name,
            marks=[pytest.mark.xfail(reason=expected[item.name], raises=CheckFailure, strict=True)]
            if item.name in expected
            else [],
        )
        for item in items
    ]
