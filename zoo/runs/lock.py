"""One process at a time in a run folder: a lock that the operating system takes back when its holder ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.errors import RunError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_FILE = ".lock"
# Some network file systems have no locks; a training there goes without.
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


class HeldError(RunError):
    """Another process holds the run folder."""


@contextmanager
def claim(path: Path) -> Iterator[None]:
    """Hold a run folder for this process alone; it is made if it is not there, and taken away again if it stays empty.

    Args:
        path: the folder.

    Raises:
        HeldError: another process holds it.
        RunError: it cannot be made or written to.
    """
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = _lock(path / LOCK_FILE)
    except BlockingIOError:
        raise HeldError(f"{path}: the run is under way in {_holder(path)}: wait for its end, or interrupt it") from None
    except OSError as error:
        done = "cannot be written to" if path.is_dir() else "cannot be made"
        raise RunError(f"{path}: {done}: {error.strerror}: choose another folder (out=, --out)") from error
    try:
        yield
    finally:
        # Before it is let go: afterwards the file may be another's. Windows keeps it, as one that is open.
        with contextlib.suppress(OSError):
            (path / LOCK_FILE).unlink()
        os.close(descriptor)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _lock(file: Path) -> int:
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(descriptor)
            # Between opening and locking, the holder before may have removed the file.
            if file.exists() and os.path.samestat(os.fstat(descriptor), file.stat()):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _take(descriptor: int) -> None:
    try:
        if sys.platform == "win32":
            # A byte far behind the text, which others may still read.
            os.lseek(descriptor, 4096, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise BlockingIOError(error.errno, error.strerror) from None
        if error.errno not in _NO_LOCKS:
            raise


def _holder(path: Path) -> str:
    try:
        return f"process {int((path / LOCK_FILE).read_text(encoding='ascii'))}"
    except (OSError, ValueError):
        return "another process"
