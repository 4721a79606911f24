"""Where trained weights are looked for: ``$ZOO_WEIGHTS``, the plugin's package, the cache, the hub, in this order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ModelLoadError, UnknownNameError, WeightsNotFoundError
from zoo.registry import catalogue
from zoo.registry.presets import Preset
from zoo.weights.config import is_tag, join_name, split_name
from zoo.weights.folder import WeightsFolder, is_weights_folder, open_folder

VARIABLE = "ZOO_WEIGHTS"
PACKAGE_FOLDER = "weights"  # Beside the plugin's hook.
HUB = "hf://"


@dataclass(frozen=True)
class Place:
    """A folder that may hold trained weights.

    Args:
        name: what it is, for messages.
        folder: the folder; None if there is none.
    """

    name: str
    folder: Path | None

    def describe(self) -> str:
        """Return what it is, and where, as part of a sentence."""
        return f"{self.name} ({self.folder})" if self.folder is not None else self.name


@dataclass(frozen=True)
class Listed:
    """Trained weights that were found without opening them.

    Args:
        name: the preset's name, with a tag if there is one.
        place: where they are.
        folder: their folder; None while they are on the hub alone.
    """

    name: str
    place: str
    folder: WeightsFolder | None


def cache_folder() -> Path:
    """Return the folder for weights from the hub: in ``$KERAS_HOME``, or by default in ``~/.keras``."""
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras"), "zoo", "weights")


def folder_name(preset: str, tag: str) -> str:
    """Return the name of a preset's weights folder: ``<dataset[-variant]>[@tag]``."""
    return join_name(preset, tag).partition("/")[2]


def find_weights(source: str | Path, preset: Preset | None) -> WeightsFolder:
    """Return the trained weights that a user asks for.

    Args:
        source: ``default``, a tag, a folder (a path, or text with a slash), or ``hf://user/repo@revision``.
        preset: the preset that they are of; None: whatever the folder or the hub has.

    Raises:
        WeightsNotFoundError: there are none; the message names each place looked at.
        ModelLoadError: they are damaged, or those of another preset.
    """
    if isinstance(source, str) and source.startswith(HUB):
        from zoo.weights.hub import HUB_FOLDER, fetch

        found = fetch(source, cache_folder() / HUB_FOLDER)
    elif isinstance(source, Path) or "/" in source or os.sep in source or source.startswith((".", "~")):
        found = open_folder(Path(source).expanduser())
    elif preset is None:
        raise TypeError(f"weights={source!r} needs a preset such as 'residual/mnist', or a folder: write './{source}'")
    else:
        return _find_by_tag(preset, source)
    if preset is not None:
        check_preset(found, preset.name)
    return found


def check_preset(found: WeightsFolder, preset: str) -> None:
    """Raise ``ModelLoadError`` unless the weights are those of a preset."""
    if found.config.preset != preset:
        raise ModelLoadError(f"{found.path} has the weights of {found.config.preset}: expected those of {preset}")


def _find_by_tag(preset: Preset, tag: str) -> WeightsFolder:
    if not is_tag(tag):
        raise WeightsNotFoundError(f"weights={tag!r}: expected 'default', a tag, a folder or hf://user/repo@revision")
    pinned = preset.weights.get(tag)
    places = _places(preset)
    for place in places:
        for folder in _candidates(place.folder, preset, tag):
            found = WeightsFolder(folder)
            if found.config.architecture != preset.architecture.name:
                continue  # A package's other architecture.
            if place.folder == cache_folder() and pinned is not None and found.sha256 != pinned["sha256"]:
                continue  # The registry names newer ones.
            check_preset(found, preset.name)
            if found.config.tag != tag:
                raise ModelLoadError(f"{folder} has the weights {found.config.tag!r}: expected {tag!r}")
            return found
    if pinned is not None:
        from zoo.weights.hub import fetch_pinned

        target = cache_folder() / preset.architecture.name / folder_name(preset.name, tag)
        found = fetch_pinned(pinned["hub"], pinned["sha256"], target)
        check_preset(found, preset.name)
        return found
    tags = [split_name(it.name)[1] for it in list_weights() if split_name(it.name)[0] == preset.name]
    others = f"; there are {', '.join(map(repr, tags))}" if tags else ""
    raise WeightsNotFoundError(
        f"no trained weights {tag!r} of {preset.name}{others}: looked in {', '.join(it.describe() for it in places)} "
        f"and the hub (no registry file names any): train (zoo train {preset.name}) and publish (zoo publish RUN), or "
        "pass a folder or hf://user/repo@revision"
    )


def _places(preset: Preset) -> list[Place]:
    given, plugin = os.environ.get(VARIABLE), preset.architecture.plugin
    own = None if plugin is None or plugin.folder is None else Path(plugin.folder, PACKAGE_FOLDER)
    return [
        Place(f"${VARIABLE}", Path(given).expanduser()) if given else Place(f"${VARIABLE} (not set)", None),
        Place("the plugin's package", own) if own else Place("the plugin's package (it has no file)", None),
        Place("the cache", cache_folder()),
    ]


def _candidates(folder: Path | None, preset: Preset, tag: str) -> Iterator[Path]:
    """Yield the weights folders in a place: in a folder of the architecture, or for all that a package has."""
    if folder is not None:
        name = folder_name(preset.name, tag)
        yield from filter(is_weights_folder, (folder / preset.architecture.name / name, folder / name))


def list_weights() -> list[Listed]:
    """List the trained weights of all presets, sorted by name; those that cannot be read are left out."""
    found: dict[str, Listed] = {}
    for name in catalogue.list_models(presets=True):
        preset = catalogue.preset(name)
        for place in _places(preset):
            for folder in _siblings(place.folder, preset):
                listed = _list_one(folder, preset, place)
                if listed is not None:
                    found.setdefault(listed.name, listed)
        for tag, pinned in preset.weights.items():
            key = join_name(name, tag)
            found.setdefault(key, Listed(key, f"the hub ({pinned['hub']})", None))
    return [found[name] for name in sorted(found)]


def _list_one(path: Path, preset: Preset, place: Place) -> Listed | None:
    folder = WeightsFolder(path)
    try:
        config = folder.config
    except ModelLoadError:
        return None
    same = config.preset == preset.name and path.name == folder_name(preset.name, config.tag)
    return Listed(config.name, place.describe(), folder) if same else None


def _siblings(folder: Path | None, preset: Preset) -> list[Path]:
    """Return a place's weights folders of a preset, whatever their tags."""
    if folder is None:
        return []
    name = preset.name.partition("/")[2]
    found: list[Path] = []
    for parent in (folder / preset.architecture.name, folder):
        try:
            names = sorted(os.listdir(parent))
        except OSError:
            continue
        found += [parent / it for it in names if it.partition("@")[0] == name and is_weights_folder(parent / it)]
    return found


def list_names() -> list[str]:
    """List the names of all presets that have trained weights, each with its tag if it has one."""
    return [listed.name for listed in list_weights()]


def find_by_name(name: str) -> WeightsFolder | None:
    """Return the trained weights of ``preset`` or ``preset@tag``; None if this is no preset's name.

    Raises:
        WeightsNotFoundError: the preset has none.
        ModelLoadError: they are damaged, or those of another preset.
    """
    text, tag = split_name(name)
    try:
        preset = catalogue.preset(text) if "/" in text else None
    except (UnknownNameError, ValueError):
        return None
    return None if preset is None else find_weights(tag, preset)
