"""Watching a plugin while it is imported: one that takes long is named, so that it can be left out."""

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
    """What an import cost.

    Args:
        seconds: of this thread's processor time, so that a busy machine makes no plugin slow.
    """

    seconds: float = 0.0

    @property
    def heavy(self) -> bool:
        """Whether listing names is no longer instant."""
        return self.seconds > HEAVY


@contextmanager
def watch_import(name: str, origin: str) -> Iterator[Watch]:
    """Measure an import; one that goes on for ``PATIENCE`` seconds is warned of, and named if it is interrupted.

    Args:
        name: the plugin's.
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
        raise KeyboardInterrupt(f"interrupted while plugin {name} ({origin}) was imported: {way_out}") from None
    finally:
        alarm.cancel()
        watch.seconds = time.thread_time() - start
