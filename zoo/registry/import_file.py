"""Plugin files: modules imported by path, outside Python's import path."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from zoo.errors import PluginLoadError

PREFIX = "zoo_plugin_file_"


def import_file(path: Path) -> ModuleType:
    """Import a plugin file, or a package's folder, under a unique name.

    The name depends on the path and content of the file, so a changed file is imported again and ``"module:function"``
    finds it by ``__name__``. The file's folder is not put on ``sys.path``.

    Args:
        path: a Python file, or a folder with an ``__init__.py``.

    Returns:
        The module.

    Raises:
        PluginLoadError: there is no such file.
        Exception: whatever the module raises on import.
    """
    file = _main_file(path)
    if not file.is_file():
        what = "a folder without __init__.py" if path.is_dir() else "no such file"
        raise PluginLoadError(f"{path}: {what}: expected a Python file, or a folder with an __init__.py")
    name = name_of_file(path)
    if name in sys.modules:
        return sys.modules[name]
    folders = [str(path)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise PluginLoadError(f"{file}: expected a file name ending in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def name_of_file(path: Path) -> str:
    """Return the unique name under which a file, or a package's folder, is imported."""
    file = _main_file(path)
    digest = hashlib.sha256(b"\0".join([bytes(file), file.read_bytes()])).hexdigest()[:12]
    return f"{PREFIX}{path.stem}_{digest}"


def _main_file(path: Path) -> Path:
    return path / "__init__.py" if path.is_dir() else path
