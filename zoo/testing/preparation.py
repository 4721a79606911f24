"""What several checks share, prepared once and timed apart from the checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

Made = TypeVar("Made")


class Prepares:
    """The base of what is under test: what its checks share is kept, even an error, and timed.

    Attributes:
        preparations: the seconds that each preparation took, without those of others that it needed.
    """

    def __init__(self) -> None:
        self.preparations: dict[str, float] = {}
        self.kept: dict[str, tuple[Any, BaseException | None]] = {}

    @property
    def preparation_seconds(self) -> float:
        """The seconds that all preparations took."""
        return sum(self.preparations.values())

    @contextmanager
    def preparing(self, what: str) -> Iterator[None]:
        """Book the time of a block as a preparation."""
        start, others = time.perf_counter(), self.preparation_seconds
        try:
            yield
        finally:
            spent = time.perf_counter() - start - (self.preparation_seconds - others)
            self.preparations[what] = self.preparations.get(what, 0.0) + spent


class prepared(Generic[Made]):  # noqa: N801 - used like property
    """A property that is computed once; where that fails, each access raises the same error."""

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self.make, self.name, self.__doc__ = make, make.__name__, make.__doc__

    def __get__(self, owner: Any, kind: type | None = None) -> Made:
        """Return what is kept, or make it."""
        if self.name not in owner.kept:
            made, error = None, None
            try:
                with owner.preparing(self.name):
                    made = self.make(owner)
            except KeyboardInterrupt:
                raise
            except BaseException as problem:
                error = problem
            owner.kept[self.name] = made, error
        kept, failure = owner.kept[self.name]
        if failure is not None:
            raise failure
        found: Made = kept
        return found
