"""Reading a saved model: only plugins that discovery knows are imported, never a module that the file names."""

from __future__ import annotations

import json
import re
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from zoo import layers, likelihoods, registry, schedules
from zoo.autoencoder import AutoEncoder
from zoo.builders import PARTS, describe
from zoo.discovery import canonical_name, describe_error, resolve_reference
from zoo.errors import ModelLoadError
from zoo.specs import Architecture

MODEL_FILE = "model.keras"
# A file may name what these register with Keras.
_REGISTERING = (layers, likelihoods, schedules)
# Keras itself imports modules of these, besides its own, when a file names them.
_KERAS_IMPORTS = ("keras_hub", "keras_cv", "keras_nlp")
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
    config = _read_config(file)
    _refuse_modules(file, config)
    origins = _origins(config)
    missing = _import_plugins(file, origins)
    try:
        model = keras.saving.load_model(file)
    except Exception as error:
        reason, whole = _explain(error, config, origins)
        text = f"{missing} ({reason})" if missing else reason
        # Keras' message may hold the model's whole configuration, which a chained traceback would print.
        raise ModelLoadError(f"{file}: {text}") from (error if whole else None)
    if not isinstance(model, AutoEncoder):
        raise ModelLoadError(f"{file}: holds a {type(model).__name__}; expected a zoo.AutoEncoder")
    if missing:
        warnings.warn(f"{file}: {missing}; every layer of it is known, so it was loaded all the same", stacklevel=2)
    return model


def _read_config(file: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
                raise ModelLoadError(f"{file}: its config.json is larger than any model's")
            config = json.loads(archive.read("config.json"))
    except FileNotFoundError as error:
        raise ModelLoadError(f"{file}: no such file; expected a .keras file or a run folder") from error
    except KeyError as error:
        raise ModelLoadError(f"{file}: not a .keras file: it has no config.json") from error
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelLoadError(f"{file}: not a .keras file: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise ModelLoadError(f"{file}: not a .keras file: its config.json describes no model")
    return config


def _origins(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give what the file says of the plugins that encoder and decoder are from."""
    provenance = config["config"].get("provenance")
    found = provenance if isinstance(provenance, dict) else {}
    return {part: found[part] for part in PARTS if isinstance(found.get(part), dict)}


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Give every dict in a configuration."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _refuse_modules(file: Path, config: dict[str, Any]) -> None:
    for item in _objects(config):
        module = str(item.get("module"))
        package = module.partition(".")[0]
        if "class_name" in item and package in _KERAS_IMPORTS and package not in sys.modules:
            raise ModelLoadError(f"{file}: names the module {module}, which is not imported: import it before loading")


def _import_plugins(file: Path, origins: dict[str, dict[str, Any]]) -> str | None:
    """Import the builders of the model's architectures, so that their layers are known; say what is missing."""
    known = set(registry.list_models())
    missing: dict[str, None] = {}
    for origin in origins.values():
        name = origin.get("architecture")
        there = registry.architecture(name) if isinstance(name, str) and name in known else None
        if there is not None and _is_from(there, origin.get("distribution")):
            _import_builders(file, there)
        else:
            missing[_describe_missing(origin, there)] = None
    return "; ".join(missing) or None


def _is_from(architecture: Architecture, distribution: Any) -> bool:
    """Say whether an architecture is from the distribution that the file names, if it names one."""
    if distribution is None:
        return True
    plugin = architecture.plugin
    return plugin is not None and canonical_name(plugin.distribution) == canonical_name(str(distribution))


def _import_builders(file: Path, architecture: Architecture) -> None:
    for reference in (architecture.encoder, architecture.decoder, architecture.autoencoder):
        if reference is None:
            continue
        try:
            resolve_reference(reference)
        except (Exception, SystemExit) as error:
            raise ModelLoadError(
                f"{file}: {describe(architecture)}: {reference!r} cannot be imported: {describe_error(error)}"
            ) from error


def _describe_missing(origin: dict[str, Any], there: Architecture | None) -> str:
    distribution = origin.get("distribution")
    text = f"architecture {origin.get('architecture')!r} of plugin {origin.get('plugin')!r} is not there"
    if there is not None:
        text += f" ({describe(there)} is another one"
        text += f", from {there.plugin.origin})" if there.plugin else ")"
    for record in registry.list_plugins():
        if record.name == origin.get("plugin") and record.status in ("failed", "disabled"):
            text += f" (that plugin has failed: {record.error})" if record.error else " (that plugin is disabled)"
    if distribution:
        return f"{text}: install {distribution}=={origin.get('version')}"
    return f"{text}: run the code that registers it before loading"


def _explain(error: Exception, config: dict[str, Any], origins: dict[str, dict[str, Any]]) -> tuple[str, bool]:
    """Give why Keras could not load it, without the configurations that it quotes, and whether nothing was cut."""
    message = str(error)
    unlocated = re.search(r"Could not locate (?:class|function) '([^']*)'", message)
    if unlocated:
        name = unlocated[1][:100]
        plugins = [
            origin.get("plugin")
            for part, origin in origins.items()
            if any(
                name in (item.get("class_name"), item.get("config")) for item in _objects(config["config"].get(part))
            )
        ]
        where = f"plugin {plugins[0]}" if plugins else "plugin or script that defines it"
        way_out = f"decorate it with @keras.saving.register_keras_serializable() in the {where}"
        return f"the layer {name} is not registered: {way_out}", False
    cause = re.split(r"(?:Full (?:object )?config: |config=)\{", message.rpartition("Exception encountered: ")[2])[0]
    reason = " ".join(cause.split())[:300]
    return f"cannot be loaded: {type(error).__name__}: {reason}", "config" not in message
