"""``registry.yaml``: which plugins there are, and what one may change without code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import RegistryFileError
from zoo.recipe import RECIPE_KEYS, Recipe

PRESET_KEYS = ("config", "recipe", "reference")
DATASET_KEYS = ("recipe",)
TOP_KEYS = ("version", "plugins", "datasets", "presets", "benchmark")


@dataclass(frozen=True)
class RegistryFile:
    """The checked content of one registry file.

    Args:
        path: the file.
        plugins: modules to load, in order.
        datasets: dataset name -> recipe settings.
        presets: preset name, or pattern such as ``*/mnist-binary``, -> ``{config, recipe, reference}``.
        benchmark: the presets of the default benchmark.
    """

    path: Path
    plugins: tuple[str, ...] = ()
    datasets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    benchmark: tuple[str, ...] = ()


def builtin_path() -> Path:
    """Give the path of the zoo's own registry file: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).parent
    installed = package / "registry.yaml"
    return installed if installed.exists() else package.parent / "registry.yaml"


def read_registry_file(path: str | Path) -> RegistryFile:
    """Read and check a registry file.

    Args:
        path: a YAML file.

    Returns:
        Its content.

    Raises:
        RegistryFileError: unreadable, not YAML, a duplicate or unknown key, or a value of the wrong kind; the message
            has the file, the line and what is allowed.
    """
    path = Path(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_make_loader(path))
    except OSError as error:
        raise RegistryFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RegistryFileError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except RecursionError:
        raise RegistryFileError(f"{path}: nested too deep for a registry file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise RegistryFileError(f"{path}{line}: not valid YAML: {getattr(error, 'problem', error)}") from error
    return _check(path, content)


class _Lines(dict[Any, Any]):
    """A mapping of the file that remembers the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Any, int] = {}


def _make_loader(path: Path) -> type[yaml.SafeLoader]:
    class Loader(yaml.SafeLoader):
        """PyYAML's safe loader that refuses duplicate keys and keeps line numbers."""

    def construct(loader: yaml.SafeLoader, node: yaml.MappingNode) -> _Lines:
        mapping = _Lines()
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise RegistryFileError(f"{path}:{line}: a key is a {key_node.id}: expected text")
            key = loader.construct_object(key_node)
            if key in mapping:
                first = mapping.lines[key]
                raise RegistryFileError(f"{path}:{line}: duplicate key {key!r} (first on line {first}): keep one")
            mapping.lines[key] = line
            mapping[key] = loader.construct_object(value_node, deep=True)
        return mapping

    Loader.add_constructor("tag:yaml.org,2002:map", construct)
    return Loader


def _check(path: Path, content: object) -> RegistryFile:
    if not isinstance(content, _Lines):
        raise RegistryFileError(f"{path}: holds {_kind(content)}: expected a mapping with {', '.join(TOP_KEYS)}")
    _check_keys(path, content, TOP_KEYS, "registry file")
    if type(content.get("version")) is not int or content["version"] != 1:
        line = content.lines.get("version", 1)
        raise RegistryFileError(f"{path}:{line}: version is {content.get('version')!r}: expected version: 1")
    presets = _section(path, content, "presets", PRESET_KEYS)
    for name, entry in presets.items():
        if name.count("/") != 1:
            line = content["presets"].lines[name]
            raise RegistryFileError(f"{path}:{line}: preset {name!r}: expected architecture/dataset[-variant]")
        for value_key, value in entry.items():
            if not isinstance(value, _Lines):
                line = content["presets"][name].lines[value_key]
                raise RegistryFileError(f"{path}:{line}: {value_key} is {_kind(value)}: expected a mapping")
    datasets = _section(path, content, "datasets", DATASET_KEYS)
    for entry in (*presets.values(), *datasets.values()):
        _check_recipe(path, entry.get("recipe", _Lines()))
    return RegistryFile(
        path=path,
        plugins=_names(path, content, "plugins"),
        datasets={name: dict(entry.get("recipe", {})) for name, entry in datasets.items()},
        presets={name: {key: dict(value) for key, value in entry.items()} for name, entry in presets.items()},
        benchmark=_names(path, content, "benchmark"),
    )


def _kind(value: object) -> str:
    names = {dict: "a mapping", _Lines: "a mapping", list: "a list", str: "text", type(None): "nothing"}
    return names.get(type(value), f"{value!r}")


def _check_keys(path: Path, mapping: _Lines, allowed: tuple[str, ...], where: str) -> None:
    for key, line in mapping.lines.items():
        if key not in allowed:
            raise RegistryFileError(f"{path}:{line}: unknown key {key!r} in {where}: allowed are {', '.join(allowed)}")


def _section(path: Path, content: _Lines, section: str, allowed: tuple[str, ...]) -> dict[str, _Lines]:
    entries = content.get(section)
    if entries is None:
        return {}
    if not isinstance(entries, _Lines):
        line = content.lines[section]
        raise RegistryFileError(f"{path}:{line}: {section} is {_kind(entries)}: expected a mapping of names")
    for name, entry in entries.items():
        line = entries.lines[name]
        if not isinstance(name, str) or not isinstance(entry, _Lines):
            raise RegistryFileError(f"{path}:{line}: {section} {name!r}: expected a mapping with {', '.join(allowed)}")
        _check_keys(path, entry, allowed, f"{section} {name}")
    return dict(entries)


def _names(path: Path, content: _Lines, section: str) -> tuple[str, ...]:
    names = content.get(section) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RegistryFileError(f"{path}:{content.lines[section]}: {section}: expected a list of names")
    return tuple(names)


def _check_recipe(path: Path, recipe: object) -> None:
    if not isinstance(recipe, _Lines):
        raise RegistryFileError(f"{path}: recipe is {_kind(recipe)}: expected a mapping with {', '.join(RECIPE_KEYS)}")
    _check_keys(path, recipe, RECIPE_KEYS, "recipe")
    for key, value in recipe.items():
        check: Callable[..., Recipe] = Recipe().replace
        try:
            check(**{key: value})
        except ValueError as error:
            raise RegistryFileError(f"{path}:{recipe.lines[key]}: {error}") from error
