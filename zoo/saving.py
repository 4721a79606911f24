"""Reading a saved model: only plugins that discovery knows are imported, never a module that the file names."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import keras

from zoo import registry
from zoo.autoencoder import AutoEncoder
from zoo.discovery import resolve_reference
from zoo.errors import ModelLoadError

MODEL_FILE = "model.keras"
_LARGEST_CONFIG = 16 * 2**20


def load_model(path: str | Path) -> AutoEncoder:
    """Load a model that ``model.save`` or a training run wrote.

    Args:
        path: a ``.keras`` file, or a run folder that holds ``model.keras``.

    Returns:
        The model, compiled as it was, with the optimizer's state.

    Raises:
        ModelLoadError: no such file, not a model of the zoo, or its plugin is not installed; the message names the
            distribution and version to install.
    """
    path = Path(path)
    file = path / MODEL_FILE if path.is_dir() else path
    provenance = _read_provenance(file)
    missing = _import_plugins(provenance)
    try:
        model = keras.saving.load_model(file)
    except Exception as error:
        if missing:
            raise ModelLoadError(f"{file}: {missing}") from error
        reason = " ".join(str(error).split())[:300]
        raise ModelLoadError(f"{file}: cannot be loaded: {type(error).__name__}: {reason}") from error
    if not isinstance(model, AutoEncoder):
        raise ModelLoadError(f"{file}: holds a {type(model).__name__}; expected a zoo.AutoEncoder")
    if missing:
        warnings.warn(f"{file}: {missing}; every layer of it is known, so it was loaded all the same", stacklevel=2)
    return model


def _read_provenance(file: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
                raise ModelLoadError(f"{file}: its config.json is larger than any model's")
            config = json.loads(archive.read("config.json"))
    except FileNotFoundError as error:
        raise ModelLoadError(f"{file}: no such file; expected a .keras file or a run folder") from error
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelLoadError(f"{file}: not a .keras file: {error}") from error
    inner = config.get("config") if isinstance(config, dict) else None
    provenance = inner.get("provenance") if isinstance(inner, dict) else None
    return provenance if isinstance(provenance, dict) else {}


def _import_plugins(provenance: dict[str, Any]) -> str | None:
    """Import the builders of the model's architectures, so that their layers are known; say what is missing."""
    known = set(registry.list_models())
    missing = None
    for part in ("encoder", "decoder"):
        origin = provenance.get(part)
        if not isinstance(origin, dict):
            continue
        if origin.get("architecture") in known:
            architecture = registry.architecture(origin["architecture"])
            for reference in (architecture.encoder, architecture.decoder, architecture.autoencoder):
                if reference is not None:
                    resolve_reference(reference)
            continue
        plugin, distribution = origin.get("plugin"), origin.get("distribution")
        way_out = (
            f"install {distribution}=={origin.get('version')}"
            if distribution
            else "run the code that registers it before loading"
        )
        missing = f"architecture {origin.get('architecture')!r} of plugin {plugin!r} is not there: {way_out}"
    return missing
