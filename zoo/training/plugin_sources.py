"""A digest of the files that contain a plugin's builders, to detect changes in its code."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.registry import catalogue
from zoo.registry.references import import_module, resolve_reference
from zoo.registry.specs import Architecture


def digest_sources(architecture: Architecture, likelihood: str | None = None) -> str | None:
    """Return the SHA-256 of the code of an architecture's builders, without blank lines and comment lines.

    The code is the file of each builder, and the files beside it that it imports; or, if that file is in a package, all
    files of the whole package: of ``my_package`` for ``my_package.models.build``, of ``zoo.plugins.residual`` for one
    of the zoo's own. Classes of the zoo that an architecture names do not count. The files are read from disk, so a
    change after the import counts too.

    Args:
        architecture: the architecture.
        likelihood: the name of the likelihood that it is trained with; a plugin's counts too.

    Returns:
        The digest, in hex; None if no file holds the code: what is registered in this process may change at any time,
        and what cannot be imported has no code.
    """
    spec = catalogue.plugin_likelihoods().get(likelihood or "")
    if catalogue.is_registered(architecture.name) or (spec is not None and catalogue.is_registered(spec.name)):
        return None
    references = [architecture.encoder, architecture.decoder, architecture.autoencoder]
    references += [value for value in architecture.defaults.values() if callable(value)]
    references += [] if spec is None else [spec.likelihood]
    try:
        modules = {module for reference in references for module in _modules(reference)}
        files = {file for module in modules if not _is_of_the_zoo(module) for file in _files(module)}
        digest = hashlib.sha256()
        for file in sorted(files, key=lambda file: (file.name, file.parent.name, file)):
            lines = [line.rstrip() for line in file.read_bytes().splitlines()]
            code = [line for line in lines if line and not line.lstrip().startswith(b"#")]
            digest.update(b"\n".join([file.name.encode(), *code, b""]))
    except KeyboardInterrupt:
        raise
    except BaseException:  # A plugin's modules can raise anything.
        return None
    return digest.hexdigest()


def _modules(reference: Any) -> Iterator[str]:
    """Yield the names of the modules that a reference names, and where what it names is defined."""
    if reference is not None:
        yield resolve_reference(reference).__module__
        if isinstance(reference, str):
            yield import_module(reference).__name__


def _is_of_the_zoo(module: str) -> bool:
    """Whether a module is the zoo's and no plugin's, as that of ``zoo:HierarchicalAutoEncoder``: its version counts."""
    return module.split(".")[0] == "zoo" and not module.startswith("zoo.plugins.")


def _files(module: str) -> list[Path]:
    loaded = sys.modules[module]
    if not loaded.__package__:
        return _with_neighbours(Path(str(loaded.__file__)))
    # The zoo's own plugins are packages of a package.
    depth = 3 if module.startswith("zoo.plugins.") else 1
    package = sys.modules[".".join(module.split(".")[:depth])]
    return [file for folder in package.__path__ for file in sorted(Path(folder).rglob("*.py"))]


def _with_neighbours(file: Path) -> list[Path]:
    """Return a file and the files beside it that it, or one of them, imports, wherever in the code."""
    found: list[Path] = []
    waiting = [file]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.append(current)
        for name in _imported_names(current):
            module, package = current.parent / f"{name}.py", current.parent / name
            if module.is_file():
                waiting.append(module)
            elif (package / "__init__.py").is_file():
                found += [inner for inner in sorted(package.rglob("*.py")) if inner not in found]
    return found


def _imported_names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
