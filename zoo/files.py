"""Writing files atomically, and reading those that come from elsewhere."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from zoo.plain_json import LARGEST_TEXT, parse_json

_NOTE = "zoo"  # The keyword of a PNG's text chunk.
MEGABYTE = 2**20
LARGEST = 16 * 2**30  # Bytes of any file; it is a model's.
_MOST_PIXELS = 50_000_000
_SMALL = 64 * MEGABYTE  # What is read in no time, holes or not.
_DATA_SHARE, _MOST_PARTS = 8, 100_000
# Opening neither waits for the other end of a pipe, nor follows a link, nor makes a terminal this process's own.
_CAREFULLY = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))
_KINDS = (
    (stat.S_ISLNK, "a link, which is not followed"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (lambda mode: True, "a device"),
)


class UnfitFileError(OSError):
    """A file that is not read or written: no regular file, or too large.

    Args:
        path: the file.
        reason: what it is, and what is expected.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(errno.EINVAL, reason, str(path))

    def __str__(self) -> str:
        return str(self.strerror)


def open_file(path: Path, *, most: int = LARGEST, links: bool = False) -> BufferedReader:
    """Open a file that comes from elsewhere, such as one in a run folder, for reading.

    Args:
        path: the file.
        most: the most bytes that it may have.
        links: follow a link, for a file that the user has named.

    Raises:
        UnfitFileError: it is no regular file, such as a pipe, a device or a link, is larger, or takes up far less of
            the disk than it has bytes.
        OSError: it cannot be opened.
    """
    # Before it is opened, since opening a device may do something.
    _check_kind(path, os.stat(path, follow_symlinks=links))
    follow = getattr(os, "O_NOFOLLOW", 0) if links else 0
    file: BufferedReader = os.fdopen(os.open(path, os.O_RDONLY | _CAREFULLY & ~follow), "rb")
    try:
        found = os.fstat(file.fileno())
        _check_kind(path, found)
        if found.st_size > most:
            raise UnfitFileError(path, f"it has {found.st_size:,} bytes: expected at most {most:,}")
        if found.st_size > _SMALL and _is_hollow(file.fileno(), found.st_size):
            raise UnfitFileError(path, f"its {found.st_size:,} bytes are holes for the most part: expected data")
    except BaseException:
        file.close()
        raise
    return file


def _check_kind(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next(name for is_kind, name in _KINDS if is_kind(found.st_mode))
        raise UnfitFileError(path, f"it is {kind}: expected a regular file")


def _is_hollow(descriptor: int, size: int) -> bool:
    """Return whether there is no data in most of a file, which costs nothing to make and takes long to read."""
    if not hasattr(os, "SEEK_DATA"):
        return False
    data = end = 0
    try:
        for _ in range(_MOST_PARTS):
            start = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
            data += end - start
            if data * _DATA_SHARE >= size:
                return False
    except OSError as error:
        return error.errno == errno.ENXIO  # No more data. Otherwise its file system does not say.
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    return False


def check_own(path: Path) -> None:
    """Check that a file that is about to be written in place is missing, or a regular file that has no other name.

    Raises:
        UnfitFileError: it is a link, a second name of another file, or no file, so that writing would change something
            outside its folder.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    _check_kind(path, found)
    if found.st_nlink > 1:
        raise UnfitFileError(path, "it is another name of a file elsewhere: expected a file of its own")


def write_own(path: Path, text: str) -> None:
    """Write a short text into a file that exists, in place, such as a lock that is held.

    Raises:
        UnfitFileError: see ``check_own``.
    """
    check_own(path)
    with open(os.open(path, os.O_RDWR | _CAREFULLY), "r+", encoding="ascii") as file:
        found = os.fstat(file.fileno())
        _check_kind(path, found)
        if found.st_nlink > 1:
            raise UnfitFileError(path, "it is another name of a file elsewhere: expected a file of its own")
        file.write(text)
        file.truncate()


def read_bytes(path: Path, *, most: int = LARGEST_TEXT, links: bool = False) -> bytes:
    """Return the content of a file; arguments and errors as in ``open_file``."""
    with open_file(path, most=most, links=links) as file:
        content = file.read(most + 1)
    if len(content) > most:  # Some files have no size, and others grow.
        raise UnfitFileError(path, f"it has more than {most:,} bytes")
    return content


def read_text(path: Path, *, most: int = LARGEST_TEXT, links: bool = False) -> str:
    """Return the text of a file; arguments and errors as in ``open_file``.

    Raises:
        ValueError: it is not UTF-8.
    """
    try:
        return read_bytes(path, most=most, links=links).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start:,} is not UTF-8 text") from None


def read_json(path: Path, *, links: bool = False) -> Any:
    """Return the content of a JSON file; arguments and errors as in ``open_file``.

    Raises:
        ValueError: it is not UTF-8, or as ``parse_json`` says.
    """
    return parse_json(read_text(path, links=links))


def copy_file(source: Path, target: Path, *, most: int = LARGEST) -> None:
    """Copy a file that comes from elsewhere, atomically; errors as in ``open_file``."""
    with open_file(source, most=most) as file, replacing(target) as temporary, temporary.open("xb") as copy:
        shutil.copyfileobj(file, copy, MEGABYTE)


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
    # Names of files may hold what is no text.
    content = text.encode("utf-8", "backslashreplace")
    with replacing(path) as temporary, temporary.open("xb") as file:
        file.write(content)


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
        with open_file(path, most=LARGEST_TEXT) as file, Image.open(file, formats=["PNG"]) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            image.load()
            return parse_json(image.info[_NOTE])
    except (OSError, ValueError, LookupError, TypeError, SyntaxError, Image.DecompressionBombError):
        return None


def sha256_of(path: Path, *, most: int = LARGEST, links: bool = False) -> str:
    """Return the SHA-256 of a file, in hex; arguments and errors as in ``open_file``."""
    with open_file(path, most=most, links=links) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
