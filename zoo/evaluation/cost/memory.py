"""The memory of this process."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path


def peak_memory() -> float | None:
    """Return the most memory of the host that this process has had at once so far; None where the system does not tell.

    The resident set on Linux and macOS, the working set on Windows, in 2**20 bytes. It is the whole process's: the
    interpreter, the libraries, the data and whatever ran before are in it.
    """
    if sys.platform == "win32":
        found = _peak_working_set()
        return None if found is None else found / 2**20
    # Linux's getrusage begins with the peak of the process that started this one; this line does not.
    with contextlib.suppress(OSError):
        line = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
        if line is not None:
            return int(line[1]) / 2**10
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, KiB elsewhere.
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


if sys.platform == "win32":

    def _peak_working_set() -> int | None:
        import ctypes
        from ctypes import wintypes

        class Counters(ctypes.Structure):
            """PROCESS_MEMORY_COUNTERS of psapi.h."""

            _fields_ = [
                ("size", wintypes.DWORD),
                ("page_faults", wintypes.DWORD),
                *((f"bytes_{number}", ctypes.c_size_t) for number in range(8)),
            ]

        kernel = ctypes.WinDLL("kernel32")
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        read = kernel.K32GetProcessMemoryInfo
        read.argtypes = (wintypes.HANDLE, ctypes.POINTER(Counters), wintypes.DWORD)
        counters = Counters(size=ctypes.sizeof(Counters))
        known = read(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.size)
        return int(counters.bytes_0) if known else None
