"""Writing a new project, or a new plugin file: from the templates, whole, and over nothing that is there."""

from __future__ import annotations

import datetime
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from string import Template

from zoo.files import making_folder
from zoo.registry.record import canonical_name
from zoo.registry.yaml_file import user_path
from zoo.version import __version__

REGISTRY = "registry.yaml"
# What a project consists of, and the template of each file.
PROJECT = {
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    "pyproject.toml": "pyproject.toml",
    ".gitignore": "gitignore",
    ".github/workflows/ci.yml": "ci.yml",
    "src/{name}/__init__.py": "hook.py",
    "src/{name}/model.py": "model.py",
    "tests/test_{name}.py": "test.py",
}


def write_project(name: str, folder: Path) -> list[Path]:
    """Write the project of a package that brings one architecture, as the folder ``folder / name``.

    Args:
        name: the architecture's and the package's name, as ``check_new_name`` allows it.
        folder: where the project's folder goes; it is made if need be.

    Returns:
        The files.

    Raises:
        FileExistsError: the project's folder is there already; nothing is written.
        OSError: the folder cannot be written to; nothing stays.
    """
    project = folder / name
    _refuse_existing(project)
    names = {target.format(name=name): template for target, template in PROJECT.items()}
    with _explaining(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with making_folder(project) as temporary:
            for target, template in names.items():
                (temporary / target).parent.mkdir(parents=True, exist_ok=True)
                _write_new(temporary / target, _render(template, name=name))
    return [project / target for target in names]


def write_plugin_file(name: str, folder: Path) -> list[Path]:
    """Write a plugin file with one architecture, and a registry file that lists it unless there is one.

    Args:
        name: the architecture's name, as ``check_new_name`` allows it.
        folder: where the file goes.

    Returns:
        The files that were written.

    Raises:
        FileExistsError: the plugin file is there already; nothing is written.
        OSError: the folder cannot be written to; nothing stays.
    """
    file, registry = folder / f"{name}.py", registry_in_use(folder)
    _refuse_existing(file)
    texts = {file: _render("plugin_file.py", name=name)}
    if not os.path.lexists(registry):
        texts[registry] = _render(REGISTRY, entry=registry_entry(name, folder))
    written: list[Path] = []
    with _explaining(folder, written):
        for path, text in texts.items():
            _write_new(path, text)
            written.append(path)
    return written


def registry_in_use(folder: Path) -> Path:
    """Return the user's registry file: that of ``--registry`` or ``ZOO_REGISTRY``, else the folder's."""
    return user_path() or folder / REGISTRY


def registry_entry(name: str, folder: Path) -> str:
    """Return what the list of plugins in the registry file in use has to hold for the plugin file, as YAML."""
    same = registry_in_use(folder).resolve().parent == folder.resolve()
    entry = f"./{name}.py" if same else str((folder / f"{name}.py").resolve())
    return entry if re.fullmatch(r"[\w./-]+", entry) else json.dumps(entry, ensure_ascii=False)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(f"{path} is there already: move it away, or choose another name or folder (--out)")


def _render(template: str, **fields: str) -> str:
    text = resources.files("zoo.scaffolding").joinpath("templates", f"{template}.template").read_text("utf-8")
    if "name" in fields:
        fields["distribution"] = canonical_name(fields["name"]).strip("-")
    year = str(datetime.date.today().year)
    return Template(text).substitute(fields, version=__version__, year=year)


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; if that fails, it is not there afterwards either."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        try:
            file.write(text)
            file.flush()
        except BaseException:
            path.unlink()
            raise


@contextmanager
def _explaining(folder: Path, written: list[Path] | None = None) -> Iterator[None]:
    """Take back what is written by then if anything goes wrong, and say why a folder cannot be written to."""
    try:
        yield
    except BaseException as error:
        for path in written or ():
            path.unlink()
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise OSError(f"{folder}: cannot be written to: {reason}: choose another folder") from error
        raise
