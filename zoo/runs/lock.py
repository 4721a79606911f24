"""One process at a time in a run folder: a lock that the operating system takes back when its holder ends."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from zoo.errors import RunError

LOCK_FILE = ".lock"
# Some network file systems have no locks; a training there goes without.
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


class HeldError(RunError):
    """Another process holds the run folder."""


@contextlib.contextmanager
def claim(path: Path) -> Iterator[None]:
    """Hold a run folder for this process alone; it is made if it is not there, and removed again if it stays empty.

    Args:
        path: the folder.

    Raises:
        HeldError: another process holds it.
        RunError: it cannot be made or written to.
    """
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    lock, file = FileLock(path / LOCK_FILE, timeout=0), path / LOCK_FILE
    try:
        path.mkdir(parents=True, exist_ok=True)
        _acquire(lock, file)
    except Timeout:
        raise HeldError(f"{path}: the run is under way in {_holder(file)}: wait for its end, or interrupt it") from None
    except OSError as error:
        done = "cannot be written to" if path.is_dir() else "cannot be made"
        raise RunError(f"{path}: {done}: {error.strerror}: choose another folder (out=, --out)") from error
    try:
        yield
    finally:
        # Before it is released: afterwards the file may be another's. Windows keeps it, as one that is open.
        with contextlib.suppress(OSError):
            file.unlink()
        lock.release()
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _acquire(lock: FileLock, file: Path) -> None:
    try:
        lock.acquire()
    except Timeout:
        raise
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return
    # For others to see; Windows allows no writing where the lock is.
    with contextlib.suppress(OSError):
        file.write_text(str(os.getpid()), encoding="ascii")


def _holder(file: Path) -> str:
    try:
        return f"process {int(file.read_text(encoding='ascii'))}"
    except (OSError, ValueError):
        return "another process"
