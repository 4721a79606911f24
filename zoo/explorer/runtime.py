"""ONNX Runtime for browsers, which a page gets for networks that its own interpreter cannot compute."""

from __future__ import annotations

import base64
import gzip
import tarfile
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ExportError, one_line

_SCRIPT, _BINARY = (f"package/dist/{name}" for name in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"))
_LARGEST = 100_000_000  # Bytes of either file.


@dataclass(frozen=True)
class Runtime:
    """The runtime's script, and its binary compressed with gzip; both in base64."""

    script: str
    binary: str


def read_runtime(path: Path) -> Runtime:
    """Return the runtime from the file of the npm package onnxruntime-web.

    Args:
        path: the file that ``npm pack onnxruntime-web`` makes.

    Raises:
        ExportError: it is no such file.
    """
    try:
        with tarfile.open(path, "r:gz") as package:
            script, binary = (_read(package, name) for name in (_SCRIPT, _BINARY))
    except (OSError, EOFError, KeyError, ValueError, tarfile.TarError) as error:
        raise ExportError(
            f"{path} is not the package onnxruntime-web ({one_line(error)}): expected the file that npm pack "
            "onnxruntime-web makes"
        ) from error
    # Without a date, the same page is made from the same model.
    packed = gzip.compress(binary, mtime=0)
    return Runtime(*(base64.b64encode(it).decode("ascii") for it in (script, packed)))


def _read(package: tarfile.TarFile, name: str) -> bytes:
    member = package.getmember(name)
    opened = package.extractfile(member)
    if opened is None or member.size > _LARGEST:
        raise ValueError(f"{name} is no file of at most {_LARGEST:,} bytes")
    return opened.read()
