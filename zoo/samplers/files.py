"""A sampler as files: JSON and arrays, without code, which may come from elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.autoencoder.model import AutoEncoder
from zoo.compression.fingerprint import describe_weights
from zoo.errors import ModelLoadError, RunError
from zoo.files import MEGABYTE, read_bytes, read_text
from zoo.json_fields import from_json
from zoo.plain_json import parse_json
from zoo.samplers.fitting import KINDS, check_meaning
from zoo.samplers.sampler import ARRAYS_FILE, DIGEST, FACTS_FILE, Facts, Sampler
from zoo.weights.arrays import read_arrays
from zoo.weights.folder import LARGEST_ARRAYS, reading

FOLDER, MOST = "samplers", 20


def find_saved(folder: Path) -> list[Path]:
    """Return the folders of samplers that are saved beside a model, in its folder ``samplers``; at most 20."""
    place = folder / FOLDER
    if not place.is_dir() or place.is_symlink():
        return []
    found = [it for it in place.iterdir() if not it.is_symlink() and (it / FACTS_FILE).is_file()]
    return sorted(found)[:MOST]


def load_saved(folder: Path, model: AutoEncoder, failed: Callable[[ModelLoadError], object]) -> list[Sampler]:
    """Return the samplers that are saved beside a model; the function is called with why one cannot be loaded."""
    loaded = []
    for place in find_saved(folder):
        try:
            loaded.append(load(place, model))
        except ModelLoadError as error:
            failed(error)
    return loaded


def load(folder: str | Path, model: AutoEncoder) -> Sampler:
    """Load a sampler that ``Sampler.save`` has written; nothing in the files is run.

    Args:
        folder: the folder.
        model: the model that it was fitted to, with the same weights.

    Returns:
        The sampler; it gives the same latents as the one that was saved.

    Raises:
        ModelLoadError: there is no sampler, it was fitted to another model, or a file is damaged; the message says what
            is wrong.
    """
    file, arrays_file = Path(folder) / FACTS_FILE, Path(folder) / ARRAYS_FILE
    if not file.is_file():
        raise ModelLoadError(f"{folder} has no {FACTS_FILE}: expected a folder that Sampler.save has written")
    facts, digest = _read_facts(file)
    kind = KINDS[facts.sampler]
    if facts.latent_shape != tuple(model.latent_shape) or facts.weights != describe_weights(model):
        raise ModelLoadError(
            f"{file} was fitted to {facts.preset or 'a model'} with other weights: load that model, or fit a sampler "
            "to this one with zoo.samplers.fit"
        )
    with reading(arrays_file):
        content = read_bytes(arrays_file, most=LARGEST_ARRAYS)
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelLoadError(f"{arrays_file} is not the file that was saved: its SHA-256 differs from {FACTS_FILE}")
    arrays = read_arrays(content, arrays_file)
    try:
        check_meaning(model, kind)
        return kind.restore(model, facts, arrays)
    except ValueError as error:
        raise ModelLoadError(f"{arrays_file}: not a sampler {facts.sampler}: {str(error)[:500]}") from None


def _read_facts(file: Path) -> tuple[Facts, Any]:
    """Return the facts in a file, and the SHA-256 that the arrays should have."""
    with reading(file):
        content = parse_json(read_text(file, most=MEGABYTE))
    try:
        facts = from_json(Facts, content)
    except RunError as error:
        raise ModelLoadError(f"{file}: {error}") from None
    if facts.sampler not in KINDS:
        raise ModelLoadError(f"{file}: sampler is {facts.sampler[:100]!r}: expected one of {', '.join(KINDS)}")
    return facts, content.get(DIGEST)
