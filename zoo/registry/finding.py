"""Finding plugins before any is loaded: in a registry file and in the entry points of installed distributions."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from zoo.errors import PluginLoadError
from zoo.registry.import_file import import_file
from zoo.registry.loading import Candidate, describe_error
from zoo.registry.record import PluginRecord, canonical_name
from zoo.registry.yaml_file import RegistryFile
from zoo.version import __version__

ENTRY_POINT_GROUP = "zoo"


def builtin_candidates(file: RegistryFile) -> Iterator[Candidate]:
    """Return the plugins that the zoo's own registry file lists."""
    for module in file.plugins:
        record = PluginRecord(
            name=module,
            origin=f"{file.path.name} of autoencoder-zoo {__version__}",
            version=__version__,
            distribution="autoencoder-zoo",
        )
        yield Candidate(record, partial(importlib.import_module, module))


def user_candidates(file: RegistryFile) -> Iterator[Candidate]:
    """Return the plugins that a user's registry file lists; the paths of files are relative to it."""
    for entry in file.plugins:
        yield named_candidate(entry, file.path.parent, f"listed in {file.path}")


def named_candidate(entry: str, folder: Path, how: str) -> Candidate:
    """Return the plugin that a user names.

    Args:
        entry: a file or a package's folder, if it contains a slash, begins with a dot or ends in ``.py``; otherwise an
            importable module.
        folder: the folder that a file's path is relative to.
        how: how the user named it, recorded in its origin.
    """
    if "/" in entry or os.sep in entry or entry.endswith(".py") or entry.startswith("."):
        path = (folder / Path(entry).expanduser()).resolve()
        return Candidate(PluginRecord(path.stem, f"{path}, {how}"), partial(import_file, path))
    return Candidate(PluginRecord(entry, how), partial(importlib.import_module, entry))


def entry_point_candidates() -> Iterator[Candidate]:
    """Return the plugins that installed distributions declare in the entry-point group ``zoo``.

    Of two equal names ``importlib.metadata.entry_points`` keeps only one; walking the distributions keeps both.
    """
    seen: set[str] = set()
    found: list[Candidate] = []
    for distribution in importlib.metadata.distributions():
        name, version = _name_and_version(distribution)
        if name and canonical_name(name) not in seen:
            seen.add(canonical_name(name))
            found.extend(_distribution_candidates(distribution, name, version))
    return iter(sorted(found, key=lambda item: (canonical_name(item.record.distribution), item.record.name)))


def _name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    # An interrupted pip install leaves folders without metadata.
    try:
        metadata = distribution.metadata
        name, version = (metadata[key] if key in metadata else "" for key in ("Name", "Version"))  # noqa: SIM401
    except Exception:
        return "", ""
    return name, version


def _distribution_candidates(
    distribution: importlib.metadata.Distribution, name: str, version: str
) -> Iterator[Candidate]:
    try:
        points = [point for point in distribution.entry_points if point.group == ENTRY_POINT_GROUP]
    except Exception as error:
        with contextlib.suppress(Exception):
            if f"[{ENTRY_POINT_GROUP}]" in (distribution.read_text("entry_points.txt") or ""):
                record = PluginRecord(name, f"entry points of {name} {version}", version, distribution=name)
                yield Candidate(record, partial(_refuse, f"entry_points.txt cannot be read: {describe_error(error)}"))
        return
    for point in points:
        origin = f"entry point {point.name!r} of {name} {version}"
        yield Candidate(PluginRecord(point.name, origin, version, distribution=name), point.load)


def _refuse(message: str) -> object:
    raise PluginLoadError(message)
