"""A digest of the files that contain a plugin's builders, to detect changes in its code."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from zoo.registry import catalogue
from zoo.registry.references import resolve_reference
from zoo.registry.specs import Architecture


def digest_sources(architecture: Architecture) -> str | None:
    """Return the SHA-256 of the code of an architecture's builders, without blank lines and comment lines.

    The code is the file of each builder or, if that file is in a package, all files of the whole package: of
    ``my_package`` for ``my_package.models.build``, of ``zoo.plugins.residual`` for one of the zoo's own. The files are
    read from disk, so a change after the import counts too.

    Args:
        architecture: the architecture.

    Returns:
        The digest, in hex; None if no file holds the code: an architecture registered in this process may change at
        any time, and a builder that cannot be imported has no code.
    """
    if catalogue.is_registered(architecture.name):
        return None
    try:
        files = {file for module in builder_modules(architecture) for file in _files(module)}
        digest = hashlib.sha256()
        for file in sorted(files, key=lambda file: (file.name, file.parent.name, file)):
            lines = [line.rstrip() for line in file.read_bytes().splitlines()]
            code = [line for line in lines if line and not line.lstrip().startswith(b"#")]
            digest.update(b"\n".join([file.name.encode(), *code, b""]))
    except (Exception, SystemExit):  # A plugin's modules can raise anything.
        return None
    return digest.hexdigest()


def builder_modules(architecture: Architecture) -> Iterator[str]:
    """Yield the names of the modules that define an architecture's builders and its class."""
    for reference in (architecture.encoder, architecture.decoder, architecture.autoencoder):
        if reference is not None:
            yield resolve_reference(reference).__module__
            if isinstance(reference, str):
                yield reference.partition(":")[0]


def _files(module: str) -> list[Path]:
    if not is_packaged(module):
        return [Path(str(sys.modules[module].__file__))]
    # The zoo's own plugins are packages of a package.
    depth = 3 if module.startswith("zoo.plugins.") else 1
    package = sys.modules[".".join(module.split(".")[:depth])]
    return [file for folder in package.__path__ for file in sorted(Path(folder).rglob("*.py"))]


def is_packaged(module: str) -> bool:
    """Whether a module is in a package, so that its digest covers all the code that it imports from there."""
    return bool(sys.modules[module].__package__)
