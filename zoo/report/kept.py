"""Albums that were drawn for an earlier report, kept in the cache as long as all that they depend on is the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from zoo.data.dataset import Split
from zoo.data.image_cache import REPORTS, cache_folder
from zoo.environment import keras_backend, package_versions
from zoo.errors import ZooError
from zoo.files import read_json, sha256_of, write_json
from zoo.registry import catalogue
from zoo.report.album import Album
from zoo.report.pictures import Sheet
from zoo.report.samples import Asked
from zoo.runs.run import Run
from zoo.samplers.files import find_saved
from zoo.training.plugin_sources import digest_sources

MOST = 1000  # Albums that are kept; the oldest go first.


def find_album(key: str | None) -> tuple[Album, list[str]] | None:
    """Return the album with a key, and the notes about loading its model; None if none is kept."""
    if key is None:
        return None
    try:
        content = read_json(_file(key))
        album = {name: _read(name, value) for name, value in content["album"].items()}
        return Album(**album), [str(note) for note in content["notes"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def keep_album(key: str | None, album: Album, notes: Sequence[str]) -> None:
    """Keep an album, unless it has no key or the cache cannot be written."""
    if key is None:
        return
    with contextlib.suppress(OSError):
        file = _file(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"album": asdict(album), "notes": list(notes)})
        for old in sorted(file.parent.glob("*.json"), key=lambda it: it.stat().st_mtime)[:-MOST]:
            old.unlink()


def album_key(
    run: Run, split: Split | None, classes: Sequence[str], name: str, known: Split | None, asked: Asked
) -> str | None:
    """Return a digest of all that an album depends on; None if that cannot be told.

    Args:
        run: the run whose model is shown.
        split: the images that it is shown with.
        classes: their classes.
        name: the name of the page.
        known: the images that samplers are fitted to.
        asked: which samplers are fitted, and how many samples are scored.
    """
    try:
        architecture = catalogue.architecture(run.config["architecture"])
        code = digest_sources(architecture, run.config["recipe"]["likelihood"])
        folders = [run.path, *find_saved(run.path)]
        found = [it for folder in folders for it in sorted(folder.iterdir()) if it.is_file() and not it.is_symlink()]
        files = [(it.relative_to(run.path).as_posix(), sha256_of(it)) for it in found]
    except (ZooError, OSError, LookupError, TypeError):
        return None
    if code is None:
        return None
    images = [None if it is None else it.sha256 for it in (split, known if asked.samplers else None)]
    facts = [_own_code(), code, files, images, list(classes), name, asdict(asked), package_versions(), keras_backend()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@cache
def _own_code() -> str:
    """Return a digest of the zoo's code, which draws the pictures and loads the models."""
    digest, root = hashlib.sha256(), Path(__file__).parents[1]
    for file in sorted(root.rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _file(key: str) -> Path:
    return cache_folder() / REPORTS / f"{key}.json"


def _read(name: str, value: Any) -> Any:
    if name in ("reconstructions", "samples", "paths", "traversals", "by_group"):
        return [Sheet(**sheet) for sheet in value]
    if name in ("bars", "map"):
        return None if value is None else Markup(value)
    if name in ("legend", "sample_scores"):
        return [tuple(map(str, row)) for row in value]
    return str(value) if name == "scored" else list(map(str, value))
