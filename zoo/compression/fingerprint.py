"""Which model it is, and which machine: a file of compressed images is restored by the same ones."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import version

import keras

from zoo.autoencoder.arrays import get_arrays
from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import hash_arrays
from zoo.environment import package_versions
from zoo.version import __version__


def name_of(model: AutoEncoder) -> str:
    """Return the name of a model's preset; empty if it has none."""
    return str((model.provenance or {}).get("preset") or "")


def describe_weights(model: AutoEncoder) -> str:
    """Return the SHA-256, in hex, of a model's weights and of what else decides the numbers that it gives."""
    arrays = get_arrays(model)
    digest = hashlib.sha256()
    parts = [(name, hash_arrays(arrays[name])) for name in sorted(arrays)]
    settings = [type(model).__name__, model.posterior, model.likelihood.identifier, str(model.latent_shape)]
    precisions = [layer.dtype_policy.name for part in (model.encoder, model.decoder) for layer in part.layers]
    for text in (*settings, *precisions, *(f"{name} {sha256}" for name, sha256 in parts)):
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()


def describe_machine() -> dict[str, str]:
    """Return what else the last bits of a network's numbers depend on: versions, processor and threads."""
    return {
        "zoo": __version__,
        "backend": keras.backend.backend(),
        **package_versions(),
        "constriction": version("constriction"),
        "platform": platform.platform(),
        "processors": str(os.cpu_count()),
    }


def list_differences(before: dict[str, str], now: dict[str, str]) -> str:
    """Return in which of these two machines differ, as part of a sentence; empty if in none."""
    return ", ".join(
        f"{name} {before.get(name, 'missing')} there and {now.get(name, 'missing')} here"
        for name in dict.fromkeys((*before, *now))
        if before.get(name) != now.get(name)
    )
