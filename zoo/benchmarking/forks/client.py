"""The side that asks for forks."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO

IMPORTING = 120.0  # Seconds; Keras can be slow to import from a slow disk.
LONGEST = 100  # Bytes of an answer.
LOST = 0  # Where the status of a fork cannot be known, its run folder says what became of it.


class Fork:
    """A fork, with the interface of ``subprocess.Popen``.

    Args:
        pid: its number.
        line: the socket on which its exit status comes; when it is closed, the fork ends.
        arguments: what it was started with.
    """

    def __init__(self, pid: int, line: socket.socket, arguments: Sequence[str]) -> None:
        self.pid, self.stdin, self.args = pid, line, arguments
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status when it has ended; ``subprocess.TimeoutExpired`` if that takes longer."""
        if self.returncode is None:
            if not select.select([self.stdin], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0.0)
            status = _read(self.stdin)
            self.returncode = LOST if status is None else status
            self.stdin.close()
        return self.returncode

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class Forks:
    """Starts processes as forks of one that has imported Keras; on Linux, which alone can do it safely.

    Args:
        environment: variables that count when Keras is imported, beside those of this process.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        # Threads for linear algebra would be there before the first fork, which would lose them.
        self._environment = {**environment, "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._useless = not (sys.platform == "linux" and hasattr(os, "pidfd_open"))

    def start(
        self, arguments: Sequence[str], output: IO[bytes], environment: Mapping[str, str], folder: str
    ) -> Fork | None:
        """Return a fork that does a run as ``zoo.benchmarking.worker`` does, in a session of its own.

        Args:
            arguments: the worker's.
            output: where its output goes.
            environment: all of its variables.
            folder: where it works.

        Returns:
            The fork; None if there is none to be had.
        """
        message = json.dumps({"arguments": [*arguments], "environment": {**environment}, "folder": folder}).encode()
        ours, theirs = _make_pair()
        try:
            with theirs:
                control = self._find_server()
                if control is None:
                    raise OSError("no server")
                socket.send_fds(control, [message], [theirs.fileno(), output.fileno()])
            ours.settimeout(IMPORTING)
            pid = _read(ours)
            if pid is None:
                raise OSError("the server has ended")
            return Fork(pid, ours, arguments)
        except OSError:
            ours.close()
            self.close()
            return None

    def _find_server(self) -> socket.socket | None:
        """Return the server's socket, with a new server if there is none."""
        with self._lock:
            if self._control is None and not self._useless:
                ours, theirs = _make_pair()
                command = [sys.executable, "-m", "zoo.benchmarking.forks.server", str(theirs.fileno())]
                environment = {**os.environ, **self._environment}
                with theirs:
                    self._server = subprocess.Popen(
                        command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                    )  # fmt: skip
                self._control = ours
            return self._control

    def close(self) -> None:
        """End the server and fork no more; its forks go on."""
        with self._lock:
            self._useless = True
            if self._control is not None and self._server is not None:
                self._control.close()
                self._control = None
                self._server.kill()
                self._server.wait()


def _make_pair() -> tuple[socket.socket, socket.socket]:
    """Return two sockets that keep messages apart."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _read(line: socket.socket) -> int | None:
    """Return the number that comes on a socket, or None if it is closed."""
    text = line.recv(LONGEST)
    return int(json.loads(text)) if text else None
