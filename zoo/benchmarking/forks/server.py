"""The process that is forked for each run: ``python -m zoo.benchmarking.forks.server DESCRIPTOR``.

It imports what runs need and computes nothing, so that no thread of Keras' backend exists that a fork would lose. Each
message on its socket asks for a fork; the socket and the file that come with the message become the fork's standard
input and output. On that socket it answers with the fork's number, and with its exit status when it has ended.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import socket
import sys
from typing import NoReturn

from zoo.registry.isolation.leftovers import leave

# What a run imports before its first step, apart from plugins, which only the forks load.
NEEDED = (
    "zoo.benchmarking.cells",
    "zoo.training.session",
    "zoo.evaluation.scores",
    "matplotlib.backends.backend_agg",
    "skimage.metrics",
)
WORKER = "zoo.benchmarking.worker"
LONGEST = 200_000  # Bytes of a message, of which the environment takes most.


def count_threads() -> int:
    """Return the number of this process's threads, those of other languages included."""
    return len(os.listdir("/proc/self/task"))


def main() -> int:
    """Import, then fork until the socket is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in NEEDED:
        importlib.import_module(name)
    os.close(os.pidfd_open(os.getpid()))  # Some containers forbid it: end before anything is forked.
    if count_threads() != 1:
        return 1
    # The forks share the memory of what is there now: leave it alone.
    gc.collect()
    gc.freeze()
    return Server(control).serve()


class Server:
    """Forks, and the sockets on which their ends are reported.

    Args:
        control: the socket on which forks are asked for.
    """

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ)

    def serve(self) -> int:
        """Fork until nobody can ask any more; return the exit status."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is not self.control:
                    self._report_end(key)
                    continue
                text, descriptors, *_ = socket.recv_fds(self.control, LONGEST, 2)
                if not text:
                    return 0
                self._fork(text, *descriptors)

    def _fork(self, text: bytes, line: int, output: int) -> None:
        """Fork; the fork does not return."""
        pid = os.fork()
        if pid == 0:
            os.setsid()
            self._let_go()
            for source, target in ((line, 0), (output, 1), (output, 2)):
                os.dup2(source, target)
            os.close(line)
            os.close(output)
            run(text)
        os.close(output)
        report = socket.socket(fileno=line)
        self.selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, report))
        with contextlib.suppress(OSError):  # Who has asked for it may be gone, and the fork ends then.
            report.send(json.dumps(pid).encode())

    def _let_go(self) -> None:
        """Close in a fork what belongs to the others, whose ends would not be noticed."""
        for key in self.selector.get_map().values():
            if key.data is not None:
                os.close(key.fd)
                key.data[1].close()
        self.selector.close()
        self.control.close()

    def _report_end(self, key: selectors.SelectorKey) -> None:
        pid, report = key.data
        _, status = os.waitpid(pid, 0)
        self.selector.unregister(key.fileobj)
        os.close(key.fd)
        with report, contextlib.suppress(OSError):
            report.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def run(text: bytes) -> NoReturn:
    """Do a run in a fork, as a new process would; raise ``SystemExit`` at its end."""
    asked = json.loads(text)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = [WORKER, *asked["arguments"]]
    import numpy as np

    np.random.seed()  # Or every fork would draw the same; Python reseeds its own generator.
    runpy.run_module(WORKER, run_name="__main__")
    raise SystemExit(0)


if __name__ == "__main__":
    leave(main())
