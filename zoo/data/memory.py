"""Whether something fits into memory, told before it is made."""

from __future__ import annotations

from pathlib import Path

GIGABYTE = 2**30
# What never needs a look at the machine.
SMALL = GIGABYTE // 4
_GROUP = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Return the bytes that this process may still take of the memory of its machine or container."""
    import psutil

    free = int(psutil.virtual_memory().available)
    try:
        most, used = ((_GROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return free if most == "max" else max(0, min(free, int(most) - int(used)))
    except (OSError, ValueError):  # Not on Linux, or without such groups.
        return free


def explain_shortage(needed: int) -> str | None:
    """Return how many bytes are needed and free, as words, or None if they fit."""
    if needed <= SMALL:
        return None
    free = free_memory()
    if needed <= free:
        return None
    return f"{needed / GIGABYTE:,.1f} GiB of memory, and {free / GIGABYTE:,.1f} GiB are free"
