"""Threads and processes that plugins leave running: the zoo's own processes do not wait for them."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
from typing import Any, NoReturn

_left: list[Any] = []


def find_children() -> list[Any]:
    """Return the child processes that ``multiprocessing`` has started."""
    module = sys.modules.get("multiprocessing")
    try:
        return list(module.active_children()) if module is not None else []
    except Exception:  # It is only half imported.
        return []


def note_leftovers(before: set[Any]) -> list[str]:
    """Remember the threads and processes for which Python would wait at its end, except those that ran before.

    Returns:
        What they are, such as ``a thread``.
    """
    threads = [it for it in threading.enumerate() if it not in before and not it.daemon]
    children = [it for it in find_children() if it not in before]
    _left.extend((*threads, *children))
    return [*(["a thread"] if threads else []), *(["a process"] if children else [])]


def leave(status: int) -> NoReturn:
    """End the process, without waiting for what plugins have left running.

    If nothing was left, ``SystemExit`` is raised, as ``sys.exit`` does.

    Args:
        status: the exit status.
    """
    running = [it for it in _left if it.is_alive()]
    if not running:
        sys.exit(status)
    for child in running:
        if not isinstance(child, threading.Thread):
            with contextlib.suppress(Exception):
                child.kill()
                child.join()
    # What Python does at its end, except for waiting.
    atexit._run_exitfuncs()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status)
