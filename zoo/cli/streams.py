"""Standard streams on odd machines: closed, full, or without the characters that are printed."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

# What is printed where a terminal's encoding lacks a character; others are printed as Python writes them.
PLAIN = {"✓": "+", "✗": "x", "─": "-", "━": "-", "…": "...", "±": "+-", "→": "->"}


class _Nowhere(io.TextIOBase):
    """A stream that stands for one that is closed."""

    wrote = False

    def write(self, text: str) -> int:
        """Lose the text, and remember that there was one."""
        self.wrote = self.wrote or bool(text)
        return len(text)


class _Forgiving:
    """A stream of messages, which may be lost: where they cannot be written, nothing else is wrong."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(PLAIN.get(letter, ascii(letter)[1:-1]) for letter in text), error.end


@contextlib.contextmanager
def standard_streams() -> Iterator[None]:
    """Let the standard streams take any text, whatever they are connected to."""
    before = sys.stdout, sys.stderr
    # A file that is opened while one is closed would get its number, and what libraries print.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    codecs.register_error("zoo", _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="zoo")
    sys.stdout = sys.stdout or _Nowhere()
    sys.stderr = _Forgiving(sys.stderr or _Nowhere())
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def end_output(status: int) -> int:
    """Flush stdout, and return the exit status: 1 instead of 0 if a result could not be written."""
    reason = "stdout is closed" if isinstance(sys.stdout, _Nowhere) and sys.stdout.wrote else None
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # The reader, such as head, has read enough.
        _drop_stdout()
    except (OSError, ValueError) as error:
        reason = f"stdout cannot be written: {getattr(error, 'strerror', None) or error}"
        _drop_stdout()
    if reason is not None and not status:
        print(f"zoo: {reason}", file=sys.stderr)
        return 1
    return status


def _drop_stdout() -> None:
    """Let what has not been written go nowhere, or Python would try again at its end, and fail."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


@contextlib.contextmanager
def results_kept_apart() -> Iterator[None]:
    """Let what is written to stdout past ``sys.stdout``, as by other processes, go to stderr."""
    try:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
    except (OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
