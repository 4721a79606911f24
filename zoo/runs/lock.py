"""A lock that allows one process at a time in a run folder; the operating system releases it when its holder ends."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from zoo.errors import RunError
from zoo.files import UnfitFileError, check_own, read_text, write_own

LOCK_FILE = ".lock"
ATTEMPTS = 10
_LONGEST_NUMBER = 20  # Bytes of a process's number.
# Some network file systems have no locks; training there runs without one.
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


class HeldError(RunError):
    """Another process holds the run folder."""


@contextlib.contextmanager
def claim(path: Path) -> Iterator[None]:
    """Hold a run folder for this process alone; create it if it is missing, and remove it again if it stays empty.

    Args:
        path: the folder.

    Raises:
        HeldError: another process holds the folder.
        RunError: the folder cannot be created or written to.
    """
    made = [folder for folder in (path, *path.parents) if not os.path.exists(folder)]
    file = path / LOCK_FILE
    # A lock file alone would stay locked when its holder is killed.
    lock = FileLock(file, timeout=0, fallback_to_soft=False)
    try:
        _acquire(lock, file)
    except Timeout:
        raise HeldError(f"{path}: {_holder(file)} is training this run: wait until it ends, or interrupt it") from None
    except UnfitFileError as error:
        raise RunError(f"{path}: cannot be written to: {file.name}: {error}: remove it") from error
    except OSError as error:
        done = "cannot be written to" if path.is_dir() else "cannot be created"
        raise RunError(f"{path}: {done}: {error.strerror}: choose another folder (out=, --out)") from error
    try:
        yield
    finally:
        # Before the release: afterwards the file may belong to another process. Windows keeps it, since it is open.
        with contextlib.suppress(OSError):
            file.unlink()
        lock.release()
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _acquire(lock: BaseFileLock, file: Path) -> None:
    for attempt in range(ATTEMPTS):
        file.parent.mkdir(parents=True, exist_ok=True)
        # Not all versions of filelock look where a link leads before they empty what it leads to.
        check_own(file)
        try:
            lock.acquire()
        except Timeout:
            raise
        except FileNotFoundError:  # Another process has just removed the folder, which it had left empty.
            if attempt == ATTEMPTS - 1:
                raise
            continue
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return
        break
    # Tell other processes who holds the lock; Windows does not allow writing to a locked file.
    with contextlib.suppress(OSError):
        write_own(file, str(os.getpid()))


def _holder(file: Path) -> str:
    try:
        return f"process {int(read_text(file, most=_LONGEST_NUMBER))}"
    except (OSError, ValueError):
        return "another process"
