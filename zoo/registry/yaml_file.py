"""``registry.yaml``: the list of plugins, and the settings that can be changed without code."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import RegistryFileError
from zoo.registry.presets import merge_options
from zoo.registry.recipe import RECIPE_KEYS, Recipe

PRESET_KEYS = ("config", "recipe", "reference", "weights")
DATASET_KEYS = ("recipe",)
_PLACE = {"hub": re.compile(r"hf://[\w.-]+/[\w.-]+@[\w.-]+"), "sha256": re.compile(r"[0-9a-f]{64}")}
TOP_KEYS = ("version", "plugins", "datasets", "presets", "benchmark")


@dataclass(frozen=True)
class RegistryFile:
    """The checked content of one registry file.

    Args:
        path: the file.
        plugins: modules and plugin files to load, in order.
        datasets: dataset name -> recipe settings.
        presets: preset name, or pattern such as ``*/mnist-binary``, -> ``{config, recipe, reference, weights}``.
        benchmark: the presets of the default benchmark.
    """

    path: Path
    plugins: tuple[str, ...] = ()
    datasets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    benchmark: tuple[str, ...] = ()


def user_path() -> Path | None:
    """Return the path of the user's registry file, ``$ZOO_REGISTRY``, or None if it is not set.

    Raises:
        RegistryFileError: there is no such file.
    """
    named = os.environ.get("ZOO_REGISTRY")
    if not named:
        return None
    path = Path(named).expanduser()
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no file"
        raise RegistryFileError(f"{path}: {what}: expected a registry file in --registry or ZOO_REGISTRY")
    return path.absolute()


def merge_files(base: RegistryFile, user: RegistryFile) -> RegistryFile:
    """Merge two registry files: the user's settings override the base's, key by key.

    The plugins stay the base's; the default benchmark is the user's, if that file lists one.
    """
    presets = {name: dict(entry) for name, entry in base.presets.items()}
    for name, entry in user.presets.items():
        # Removed and added again: if two patterns match, the later one wins, which must be the user's.
        merged = presets.pop(name, {})
        if "config" in entry:
            for key in ("reference", "weights"):
                merged.pop(key, None)  # It belongs to a different model now.
        for key, values in entry.items():
            merged[key] = merge_options(merged.get(key, {}), values)
        presets[name] = merged
    datasets = dict(base.datasets)
    for name, recipe in user.datasets.items():
        datasets[name] = {**datasets.get(name, {}), **recipe}
    return replace(base, datasets=datasets, presets=presets, benchmark=user.benchmark or base.benchmark)


def builtin_path() -> Path:
    """Return the path of the zoo's own registry file: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "registry.yaml"
    return installed if installed.exists() else package.parent / "registry.yaml"


def read_registry_file(path: str | Path) -> RegistryFile:
    """Read and check a registry file.

    Args:
        path: a YAML file.

    Returns:
        Its content.

    Raises:
        RegistryFileError: it is unreadable or not YAML, or has a duplicate or unknown key or a value of the wrong kind;
            the message has the file, the line and what is allowed.
    """
    path = Path(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_make_loader(path))
    except OSError as error:
        raise RegistryFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RegistryFileError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except RecursionError:
        raise RegistryFileError(f"{path}: nested too deeply for a registry file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise RegistryFileError(f"{path}{line}: not valid YAML: {problem}") from error
    return _check(path, content)


class _Lines(dict[Any, Any]):
    """A mapping in the file that remembers the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Any, int] = {}


def _make_loader(path: Path) -> type[yaml.SafeLoader]:
    class Loader(yaml.SafeLoader):
        """PyYAML's safe loader that refuses duplicate keys and keeps line numbers."""

        def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except ValueError as error:  # as for the date 2024-99-99
                line = node.start_mark.line + 1
                raise RegistryFileError(f"{path}:{line}: {node.value[:40]!r} cannot be read: {error}") from error

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
    for name in presets:
        if name.count("/") != 1 or not all(name.split("/")):
            line = content["presets"].lines[name]
            raise RegistryFileError(f"{path}:{line}: preset {name!r}: expected architecture/dataset[-variant]")
    datasets = _section(path, content, "datasets", DATASET_KEYS)
    return RegistryFile(
        path=path,
        plugins=_names(path, content, "plugins"),
        datasets={name: _plain(entry.get("recipe", {})) for name, entry in datasets.items()},
        presets={name: _plain(entry) for name, entry in presets.items()},
        benchmark=_names(path, content, "benchmark"),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


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
    _check_text_keys(path, entries, section)
    for name, entry in entries.items():
        if not isinstance(entry, _Lines):
            raise RegistryFileError(
                f"{path}:{entries.lines[name]}: {section} {name!r} is {_kind(entry)}: expected a mapping with "
                f"{', '.join(allowed)}"
            )
        _check_keys(path, entry, allowed, f"{section} {name}")
        for key, value in entry.items():
            if not isinstance(value, _Lines):
                raise RegistryFileError(f"{path}:{entry.lines[key]}: {key} is {_kind(value)}: expected a mapping")
            _check_text_keys(path, value, key)
        _check_recipe(path, entry.get("recipe", _Lines()))
        _check_weights(path, entry.get("weights", _Lines()))
    return dict(entries)


def _check_text_keys(path: Path, mapping: _Lines, where: str) -> None:
    for key, line in mapping.lines.items():
        if not isinstance(key, str):
            raise RegistryFileError(f"{path}:{line}: {where} has the key {key!r}: expected a name (quote it)")


def _names(path: Path, content: _Lines, section: str) -> tuple[str, ...]:
    names = content.get(section)
    if names is None:
        return ()
    where = f"{path}:{content.lines[section]}: {section}"
    if not isinstance(names, list):
        raise RegistryFileError(f"{where} is {_kind(names)}: expected a list of names")
    for name in names:
        if not isinstance(name, str):
            raise RegistryFileError(f"{where} has {_kind(name)}: expected a list of names")
    return tuple(names)


def _check_recipe(path: Path, recipe: _Lines) -> None:
    _check_keys(path, recipe, RECIPE_KEYS, "recipe")
    for key, value in recipe.items():
        try:
            Recipe().replace(**{key: value})
        except ValueError as error:
            raise RegistryFileError(f"{path}:{recipe.lines[key]}: {error}") from error


def _check_weights(path: Path, weights: _Lines) -> None:
    for tag, place in weights.items():
        given = place if isinstance(place, dict) else {}
        if set(given) != set(_PLACE) or not all(it.fullmatch(str(given[key])) for key, it in _PLACE.items()):
            expected = "a mapping of hub, hf://user/repo@revision, and sha256, of model.safetensors, in 64 digits"
            raise RegistryFileError(f"{path}:{weights.lines[tag]}: the weights {tag!r} are not {expected}")
