"""Timing the import of a plugin: a slow one is named, so that it can be left out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

logger = logging.getLogger("zoo")
PATIENCE = 5.0
HEAVY = 1.0


@dataclass
class Watch:
    """The cost of an import.

    Args:
        seconds: this thread's CPU time, so that a busy machine does not make a plugin count as slow.
    """

    seconds: float = 0.0

    @property
    def heavy(self) -> bool:
        """Whether it makes listing names noticeably slow."""
        return self.seconds > HEAVY


@contextmanager
def watch_import(name: str, origin: str) -> Iterator[Watch]:
    """Measure an import; warn when it takes over ``PATIENCE`` seconds, and name the plugin if it is interrupted.

    Args:
        name: the plugin's name.
        origin: where the plugin was found.

    Yields:
        The watch; its cost is known at the end.
    """
    way_out = f"ZOO_DISABLE_PLUGINS={name} leaves it out"
    waiting = f"plugin {name} ({origin}) is still being imported after {PATIENCE:g} seconds: {way_out}"
    alarm = threading.Timer(PATIENCE, logger.warning, [waiting])
    alarm.daemon = True
    alarm.start()
    watch, start = Watch(), time.thread_time()
    try:
        yield watch
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted while importing plugin {name} ({origin}): {way_out}") from None
    finally:
        alarm.cancel()
        watch.seconds = time.thread_time() - start
