"""Peak memory of this process."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path


def peak_memory() -> float | None:
    """Return the peak memory of this process on the host so far; None if the system does not report it.

    The resident set on Linux and macOS, the working set on Windows, in MiB (2**20 bytes). It covers the whole process:
    the interpreter, the libraries, the data and whatever ran before.
    """
    # On Linux, getrusage includes the peak of the parent process; this line does not.
    with contextlib.suppress(OSError):
        line = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
        if line is not None:
            return int(line[1]) / 2**10
    try:
        import resource
    except ImportError:
        return _peak_working_set()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, KiB elsewhere.
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _peak_working_set() -> float | None:
    import psutil

    peak: int | None = getattr(psutil.Process().memory_info(), "peak_wset", None)  # Only on Windows.
    return None if peak is None else peak / 2**20
