"""Running a plugin's code so that it changes nothing for others, and noticing what it leaves behind."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

from zoo.registry.isolation.leftovers import find_children, note_leftovers
from zoo.registry.isolation.settings import ABSENT, SEEDS, SETTINGS, Setting

_NEVER_SEEDED = frozenset({"Python's random seed"})


class _ToStderr(io.TextIOBase):
    """A stream that writes to stderr, and that can be closed without closing that."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write text, unless there is no stderr."""
        if self.stream is not None:
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush stderr."""
        if self.stream is not None:
            self.stream.flush()

    def isatty(self) -> bool:
        """Whether stderr is a terminal."""
        return self.stream is not None and self.stream.isatty()


@contextlib.contextmanager
def to_stderr() -> Iterator[None]:
    """Let what is printed go to stderr, since it must not mix with a command's result on stdout."""
    with contextlib.redirect_stdout(_ToStderr(sys.stderr)):
        yield


@contextlib.contextmanager
def undisturbed(*, seeds: bool) -> Iterator[list[str]]:
    """Run a plugin's code; put back what it changes for everyone, and let what it prints go to stderr.

    Args:
        seeds: whether random seeds are put back too.

    Yields:
        A list which at the end holds what has been changed, and what it has left running, such as ``the working
        directory``.
    """
    changes: list[str] = []
    limit = sys.getrecursionlimit()
    settings = (*SETTINGS, *SEEDS) if seeds else SETTINGS
    before = [setting.read() for setting in settings]
    running, had_keras = {*threading.enumerate(), *find_children()}, "keras" in sys.modules
    try:
        with to_stderr():
            yield changes
    finally:
        changed = sys.getrecursionlimit()
        sys.setrecursionlimit(limit)  # First: with a low one, the rest could not be called.
        if changed != limit:
            changes.append(f"the recursion limit ({changed:,})")
        for setting, value in zip(settings, before, strict=True):
            told = _put_back(setting, value)
            # The import of Keras and of other libraries draws random numbers.
            if told and (had_keras or "keras" not in sys.modules or setting.title not in _NEVER_SEEDED):
                changes.append(told)
        changes += note_leftovers(running)


def _put_back(setting: Setting, before: Any) -> str | None:
    """Put back a setting's value, and return what has been changed; None if it is as before."""
    try:
        now = setting.read()
        if before is ABSENT:
            before = ABSENT if now is ABSENT else setting.default()
        if before is ABSENT or now == before:
            return None
        setting.write(before)
    except Exception:  # What was imported under the name of a library may be anything.
        return None
    return f"{setting.title} ({now})" if setting.plain else setting.title


def describe_changes(changes: list[str]) -> str | None:
    """Return a sentence about what a plugin has changed for everyone; None if it has changed nothing."""
    put_back = [it for it in changes if not it.startswith("a ")]
    left = [it for it in changes if it.startswith("a ")]
    parts = [f"changed {', '.join(put_back)}, which was put back"] if put_back else []
    parts += [f"left {', '.join(left)} running"] if left else []
    return ", and ".join(parts) or None


@contextlib.contextmanager
def called(who: str) -> Iterator[None]:
    """Call a function of a plugin's, such as a builder; warn about what it changes for everyone.

    Random seeds are not put back: it may draw random numbers.

    Args:
        who: the function's name in the warning.
    """
    changes: list[str] = []
    try:
        with undisturbed(seeds=False) as changes:
            yield
    finally:
        told = describe_changes(changes)
        if told:
            warnings.warn(f"{who} {told}", stacklevel=4)
