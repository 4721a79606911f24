"""Writing files atomically."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NOTE = "zoo"  # The keyword of a PNG's text chunk.


def check_clock() -> None:
    """Raise ``ValueError`` if the clock shows a year that model files, which are ZIP archives, cannot hold."""
    year = time.localtime(time.time()).tm_year
    if not 1980 <= year <= 2107:
        raise ValueError(
            f"the clock of this machine shows the year {year}: model files hold the years 1980 to 2107: set the clock"
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path`` to write to; on success it replaces ``path``.

    It keeps the suffix, because Keras and matplotlib choose the format by it.
    """
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def making_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder next to ``path`` to fill; on success it becomes ``path``, otherwise it is deleted.

    Raises:
        OSError: it cannot be written, or ``path`` is a file or a non-empty folder.
    """
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    temporary.mkdir()
    try:
        yield temporary
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Write plain data and NumPy scalars as JSON, atomically."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False, default=lambda value: value.item()) + "\n")


def write_figure(path: Path, figure: Any, note: object = None) -> None:
    """Write a matplotlib figure atomically, in the format given by the suffix.

    Args:
        path: the file.
        figure: the figure.
        note: plain data to store in a PNG, for ``read_note``; None for none.
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, metadata=None if note is None else {_NOTE: json.dumps(note)})


def read_note(path: Path) -> object:
    """Return the note stored in a PNG; None if it has none, or the file is missing or damaged."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
            return json.loads(image.info[_NOTE])
    except (OSError, ValueError, LookupError, TypeError, SyntaxError):
        return None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
