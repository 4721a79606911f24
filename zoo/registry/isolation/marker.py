"""A marker beside Keras' cache while a plugin is imported: if that ends the interpreter, the next one can say so."""

from __future__ import annotations

import contextlib
import json
import logging
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.environment import DISTRIBUTION, keras_home
from zoo.registry.record import PluginRecord

logger = logging.getLogger("zoo")
MOST = 100  # Markers that are looked at; there is one for each process that is importing or has died.
LONGEST = 10_000  # Bytes of a marker.


def marker_folder() -> Path:
    """Return the folder of the markers."""
    return keras_home() / "zoo-imports"


@contextlib.contextmanager
def marked(record: PluginRecord) -> Iterator[None]:
    """Leave a marker that names a plugin while it is imported; the zoo's own plugins need none.

    The process holds a lock beside it, which the system releases if the process ends, however it does.
    """
    if record.distribution == DISTRIBUTION:
        yield
        return
    with contextlib.ExitStack() as stack:
        # Without a folder to write to there is no marker.
        with contextlib.suppress(OSError, NotImplementedError):
            marker_folder().mkdir(parents=True, exist_ok=True)
            file = marker_folder() / f"{uuid.uuid4().hex}.json"
            lock = _lock(file)
            lock.acquire()
            stack.callback(_remove, file, lock)
            file.write_text(json.dumps({"name": record.name, "origin": record.origin}), encoding="utf-8")
        yield


def tell_of_crashes() -> None:
    """Name the plugins whose import ended the interpreter, once each, and how to leave them out."""
    with contextlib.suppress(OSError, NotImplementedError):
        for file in sorted(marker_folder().glob("*.json"))[:MOST]:
            lock = _lock(file)
            if not _try(lock):
                continue  # Its process is still importing.
            try:
                content = _read(file)
                if content is not None:
                    logger.warning(
                        "an earlier process ended while it was importing plugin %s (%s): if this one ends too, "
                        "ZOO_DISABLE_PLUGINS=%s leaves it out",
                        content["name"], content["origin"], content["name"],
                    )  # fmt: skip
            finally:
                _remove(file, lock)


def _lock(file: Path) -> Any:
    import filelock

    return filelock.FileLock(file.with_suffix(".lock"), thread_local=False)


def _try(lock: Any) -> bool:
    import filelock

    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    return True


def _read(file: Path) -> dict[str, str] | None:
    """Return a marker's content; None if another process has just removed it, or it is no marker."""
    try:
        with file.open("rb") as stream:
            content = json.loads(stream.read(LONGEST))
        return {key: " ".join(str(content[key]).split()) for key in ("name", "origin")}
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None


def _remove(file: Path, lock: Any) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)
