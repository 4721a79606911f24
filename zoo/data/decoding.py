"""Decoding image files in several processes: ``python -m zoo.data.decoding FILE`` is one of them.

They are started anew and not by ``multiprocessing``, which would run the user's script again or copy a process that has
TensorFlow's threads. Each reads lines of JSON that name some files, writes their pixels to their places in FILE, and
answers a line.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import numpy as np

from zoo.data.image_files import Changes, ImageReader, explain
from zoo.errors import DatasetError

_CHUNK = 2**23  # Bytes decoded at a time.
_MOST = 1000  # Files at a time.
_EACH = 2000  # Files for which another process is worth starting.

Shape = tuple[int, int, int]
LeftOut = list[tuple[int, str]]  # Numbers of files, and why they cannot be read.


def decode_files(
    root: Path, names: Sequence[str], image_shape: Shape, file: Path, advance: Callable[[float], None]
) -> tuple[LeftOut, Changes]:
    """Decode image files into one file of pixels, an image after the other; the place of one left out holds zeros.

    Args:
        root: the folder that has the files.
        names: their paths in it.
        image_shape: ``(height, width, channels)``.
        file: the file to write; it must not exist.
        advance: is told how many more are done.

    Returns:
        The files that cannot be read, in order, and what was changed of the others.

    Raises:
        OSError: the file cannot be written.
        DatasetError: the number of channels is not supported, or a process that decodes ended.
    """
    size = math.prod(image_shape)
    with file.open("xb") as made:
        made.truncate(size * len(names))
    rows = max(1, min(_MOST, _CHUNK // size))
    starts: queue.SimpleQueue[int] = queue.SimpleQueue()
    for start in range(0, len(names), rows):
        starts.put(start)
    left_out: LeftOut = []
    changes = Changes()

    processes = max(1, min(_processors(), len(names) // _EACH)) if sys.executable else 1
    stopped = threading.Event()

    def work() -> None:
        try:
            with _decoder(root, image_shape, file, alone=processes == 1) as decode, contextlib.suppress(queue.Empty):
                while not stopped.is_set():
                    start = starts.get_nowait()
                    part = names[start : start + rows]
                    found, changed = decode(start, part)
                    with lock:
                        left_out.extend(found)
                        changes.add(changed)
                        advance(len(part))
        except BaseException:
            stopped.set()
            raise

    lock = threading.Lock()
    if processes == 1:
        work()
    else:
        with ThreadPoolExecutor(processes, thread_name_prefix="zoo-decoding") as pool:
            futures = [pool.submit(work) for _ in range(processes)]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                stopped.set()
                raise
    return sorted(left_out), changes


def _processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Decode = Callable[[int, Sequence[str]], tuple[LeftOut, Changes]]


@contextlib.contextmanager
def _decoder(root: Path, image_shape: Shape, file: Path, *, alone: bool) -> Iterator[Decode]:
    """Yield a function that decodes some files: in this process, or in one of its own."""
    if alone:
        with file.open("r+b") as pixels:
            yield lambda start, names: _decode_some(pixels, root, names, image_shape, start)
        return
    package = str(Path(__file__).parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, str(file)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    given, answers = process.stdin, process.stdout
    assert given is not None and answers is not None  # noqa: PT018

    def decode(start: int, names: Sequence[str]) -> tuple[LeftOut, Changes]:
        with contextlib.suppress(BrokenPipeError):
            given.write(json.dumps([str(root), list(names), image_shape, start]) + "\n")
            given.flush()
        answer = answers.readline()
        if not answer:
            raise DatasetError(
                f"{root}: the process that decodes images ended with the status {process.wait()} at one of {names[0]} "
                f"to {names[-1]}: move damaged files out of the folder, or free some memory"
            )
        error, found, changed = json.loads(answer)
        if error is not None:
            raise OSError(*error)
        return [(int(number), str(reason)) for number, reason in found], Changes.from_json(changed)

    try:
        yield decode
    finally:
        with contextlib.suppress(BrokenPipeError):
            given.close()  # It ends by itself.
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        answers.close()


def _decode_some(
    pixels: IO[bytes], root: Path, names: Sequence[str], image_shape: Shape, start: int
) -> tuple[LeftOut, Changes]:
    """Decode some files to their places, the first one's being number ``start``."""
    reader = ImageReader(image_shape)
    images = np.zeros((len(names), *image_shape), np.uint8)
    left_out: LeftOut = []
    for number, name in enumerate(names):
        try:
            images[number] = reader.read(root / name)
        except DatasetError as error:
            left_out.append((start + number, explain(error.__cause__)))
    pixels.seek(start * math.prod(image_shape))
    pixels.write(images.data)
    pixels.flush()
    return left_out, reader.changes


def main() -> None:
    """Decode what the lines of stdin name, until they end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one.
    with open(sys.argv[1], "r+b") as pixels:
        for line in sys.stdin:
            root, names, shape, start = json.loads(line)
            answer: list[Any]
            try:
                left_out, changes = _decode_some(pixels, Path(root), names, tuple(shape), start)
                answer = [None, left_out, changes.to_json()]
            except OSError as error:
                answer = [[error.errno, error.strerror, sys.argv[1]], [], []]
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
