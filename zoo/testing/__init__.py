"""The conformance kit: rules that every architecture and dataset follows, and ways to check one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.testing.rule import Check, CheckFailure, CheckSkipped, list_checks
from zoo.testing.runner import CheckResult, Report, check_architecture, check_dataset

if TYPE_CHECKING:
    from zoo.testing.pytest_checks import parametrize_checks

__all__ = [
    "Check",
    "CheckFailure",
    "CheckResult",
    "CheckSkipped",
    "Report",
    "check_architecture",
    "check_dataset",
    "list_checks",
    "parametrize_checks",
]


def __getattr__(name: str) -> Any:
    # pytest is there where tests are written, not everywhere.
    if name == "parametrize_checks":
        from zoo.testing.pytest_checks import parametrize_checks

        return parametrize_checks
    raise AttributeError(f"module 'zoo.testing' has no attribute {name!r}")
