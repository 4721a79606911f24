"""Writing of a new project or plugin file from the templates, all or nothing, without overwriting anything."""

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

from zoo.environment import install_command
from zoo.files import making_folder
from zoo.registry.record import canonical_name
from zoo.registry.yaml_file import user_path
from zoo.version import __version__

REGISTRY = "registry.yaml"
# The files of a project, and the template of each.
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
    """Write the project of a package with one architecture to the folder ``folder / name``.

    Args:
        name: the name of the architecture and the package, as allowed by ``check_new_name``.
        folder: the folder to create the project's folder in; it is created if needed.

    Returns:
        The files written.

    Raises:
        FileExistsError: the project's folder already exists; nothing is written.
        OSError: the folder cannot be written to; nothing is left behind.
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
    """Write a plugin file with one architecture, the file of its networks, and a registry file unless one exists.

    Args:
        name: the architecture's name, as allowed by ``check_new_name``.
        folder: the folder for the file.

    Returns:
        The files written.

    Raises:
        FileExistsError: the plugin file, or that of its networks, already exists; nothing is written.
        OSError: the folder cannot be written to; nothing is left behind.
    """
    file, networks, registry = folder / f"{name}.py", folder / f"{name}_networks.py", registry_in_use(folder)
    texts = {file: _render("plugin_file.py", name=name), networks: _render("model.py", name=name)}
    for path in texts:
        _refuse_existing(path)
    if not os.path.lexists(registry):
        texts[registry] = _render(REGISTRY, entry=registry_entry(name, folder))
    written: list[Path] = []
    with _explaining(folder, written):
        for path, text in texts.items():
            _write_new(path, text)
            written.append(path)
    return written


def registry_in_use(folder: Path) -> Path:
    """Return the user's registry file: from ``--registry`` or ``ZOO_REGISTRY``, else the one in the folder."""
    return user_path() or folder / REGISTRY


def registry_entry(name: str, folder: Path) -> str:
    """Return the plugin file's entry in the list of plugins in the registry file in use, as YAML."""
    same = registry_in_use(folder).resolve().parent == folder.resolve()
    entry = f"./{name}.py" if same else str((folder / f"{name}.py").resolve())
    return entry if re.fullmatch(r"[\w./-]+", entry) else json.dumps(entry, ensure_ascii=False)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(f"{path} already exists: move it away, or choose another name or folder (--out)")


def _render(template: str, **fields: str) -> str:
    text = resources.files("zoo.scaffolding").joinpath("templates", f"{template}.template").read_text("utf-8")
    if "name" in fields:
        fields["distribution"] = canonical_name(fields["name"]).strip("-")
    year = str(datetime.date.today().year)
    return Template(text).substitute(fields, version=__version__, year=year, install=install_command())


def _write_new(path: Path, text: str) -> None:
    """Write a new file; if that fails, remove it again."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        try:
            file.write(text)
            file.flush()
        except BaseException:
            path.unlink()
            raise


@contextmanager
def _explaining(folder: Path, written: list[Path] | None = None) -> Iterator[None]:
    """Remove the files in ``written`` if anything goes wrong, and report why a folder cannot be written to."""
    try:
        yield
    except BaseException as error:
        for path in written or ():
            path.unlink()
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise OSError(f"{folder}: cannot be written to: {reason}: choose another folder") from error
        raise
