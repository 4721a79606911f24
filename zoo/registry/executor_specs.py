"""Frozen descriptions of the executors that plugins provide, without Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.registry.fields import check_name, check_reference, check_text

if TYPE_CHECKING:
    from zoo.registry.record import PluginRecord


@dataclass(frozen=True)
class ExecutorSpec:
    """A named executor: what runs the trainings of a benchmark, on this machine or on others.

    Args:
        name: matches ``^[a-z][a-z0-9_]*$``.
        summary: one line for tables.
        make: ``make(terms, **options) -> zoo.benchmarking.Executor`` or ``"module:function"``, called once for each
            benchmark with ``zoo.benchmarking.Terms`` and the options that the user has given. Its keyword parameters
            are the options that there are.

    Raises:
        ValueError: a field is not as described above.
    """

    name: str
    summary: str
    make: str | Callable[..., Any]
    plugin: PluginRecord | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check every field."""
        object.__setattr__(self, "name", check_name(self.name, "executor"))
        object.__setattr__(self, "summary", check_text(self.summary, f"executor {self.name}: summary"))
        check_reference(self.make, f"executor {self.name}: make")
