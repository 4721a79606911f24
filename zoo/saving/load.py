"""Loading a saved model: only plugins known to discovery are imported, never a module that the file names."""

from __future__ import annotations

import contextlib
import re
import warnings
from pathlib import Path
from typing import Any

import keras
from packaging.version import InvalidVersion, Version

from zoo import layers, likelihoods, schedules
from zoo.autoencoder.checks.provenance import read_provenance
from zoo.autoencoder.checks.weights import find_broken
from zoo.autoencoder.internals import make_saved_model
from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ModelLoadError, PluginLoadError
from zoo.factory.resolve import describe
from zoo.factory.trained import load_weights_folder
from zoo.registry import catalogue
from zoo.registry.loading import describe_error
from zoo.registry.record import canonical_name
from zoo.registry.references import resolve_reference
from zoo.registry.scoring_specs import LikelihoodSpec
from zoo.registry.signatures import PARTS
from zoo.registry.specs import Architecture
from zoo.saving.allowed import is_registered
from zoo.saving.description import objects
from zoo.saving.keras_file import UnregisteredError, check_names, check_weights, read_file
from zoo.saving.rebuild import find_known
from zoo.shown import show
from zoo.weights.folder import ARRAYS_FILE, WeightsFolder, is_weights_folder

MODEL_FILE = "model.keras"
_LIKELIHOOD = "likelihood"
# A file may name classes that these register with Keras.
_REGISTERING = (layers, likelihoods, schedules)


def load_model(path: str | Path) -> AutoEncoder:
    """Load a model written by ``model.save`` or by a training run.

    Args:
        path: a ``.keras`` file; a run folder that contains ``model.keras``; or a folder of trained weights, as
            ``zoo publish`` makes it, or its ``model.safetensors``.

    Returns:
        The model, compiled as it was, with the optimizer's state (which weights alone do not have).

    Raises:
        ModelLoadError: there is no such file, it is not a zoo model, a weight is not finite, or its plugin is not
            installed; the message names the distribution and version to install.
    """
    path = Path(path)
    folder = path.parent if path.name == ARRAYS_FILE else path
    if is_weights_folder(folder) and not (folder / MODEL_FILE).exists():
        return load_weights_folder(WeightsFolder(folder))
    return load_file(path / MODEL_FILE, links=False) if path.is_dir() else load_file(path, links=True)


def load_file(file: Path, *, links: bool) -> AutoEncoder:
    """Load a model from a file; errors as in ``load_model``.

    Args:
        file: a ``.keras`` file.
        links: follow a link; not for a file in a run folder, which may come from elsewhere.
    """
    content = read_file(file, links=links)
    config, metadata = content.config, content.metadata
    origins = _origins(config)
    missing = _import_plugins(file, origins)
    _import_likelihoods(config)
    try:
        check_names(content)
        known = None if missing else find_known(config)
        check_weights(content, known)
        model = make_saved_model(config, content.weights, known.finish() if known else None)
    except UnregisteredError as error:
        reason = _explain_unregistered(error.name, config, origins) + _describe_newer(metadata)
        raise ModelLoadError(f"{file}: " + (f"{missing} ({reason})" if missing else reason)) from None
    except ModelLoadError:
        raise
    except Exception as error:
        reason, whole = _explain(error)
        reason += _describe_newer(metadata)
        text = f"{missing} ({reason})" if missing else reason
        # Keras' message may contain the model's entire configuration, which a chained traceback would print.
        raise ModelLoadError(f"{file}: {text}") from (error if whole else None)
    if not isinstance(model, AutoEncoder):
        raise ModelLoadError(f"{file}: contains a {type(model).__name__}; expected a zoo.AutoEncoder")
    broken = find_broken(model)
    if broken is not None:
        raise ModelLoadError(f"{file}: {broken}: use a model saved before that, or train again")
    if missing:
        warnings.warn(show(f"{file}: {missing}; it was loaded anyway, since all its layers are known"), stacklevel=3)
    return model


def _origins(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the file records about the plugins of encoder and decoder."""
    found = read_provenance(config["config"].get("provenance")) or {}
    return {part: found[part] for part in (*PARTS, _LIKELIHOOD) if isinstance(found.get(part), dict)}


def _import_plugins(file: Path, origins: dict[str, dict[str, Any]]) -> str | None:
    """Import the builders of the model's architectures, so that their layers are known; return what is missing."""
    missing: dict[str, None] = {}
    for part, origin in origins.items():
        there = _find(part, origin.get(_LIKELIHOOD if part == _LIKELIHOOD else "architecture"))
        if there is None or not _is_from(there, origin.get("distribution")):
            missing[_describe_missing(origin, there)] = None
        elif isinstance(there, Architecture):
            _import_builders(file, there)
    return "; ".join(missing) or None


def _find(part: str, name: Any) -> Architecture | LikelihoodSpec | None:
    if part == _LIKELIHOOD:
        return catalogue.plugin_likelihoods().get(name) if isinstance(name, str) else None
    return catalogue.architecture(name) if isinstance(name, str) and name in catalogue.list_models() else None


def _import_likelihoods(config: dict[str, Any]) -> None:
    """Import the plugins' likelihoods if the file names a likelihood or a loss that is not known."""
    items = [item for part in ("likelihood", "loss") for item in objects(config["config"].get(part))]
    items += objects((config.get("compile_config") or {}).get("loss"))
    names = [item.get("registered_name") for item in items if "class_name" in item]
    if all(name is None or is_registered(name) for name in names):
        return
    for spec in catalogue.plugin_likelihoods().values():
        with contextlib.suppress(PluginLoadError):  # Keras' error names the class that remains unknown.
            likelihoods.get(spec.name)


def _is_from(item: Architecture | LikelihoodSpec, distribution: Any) -> bool:
    """Whether an architecture or a likelihood comes from the distribution that the file names, if it names one."""
    if distribution is None:
        return True
    plugin = item.plugin
    return plugin is not None and canonical_name(plugin.distribution) == canonical_name(str(distribution))


def _import_builders(file: Path, architecture: Architecture) -> None:
    for reference in (architecture.encoder, architecture.decoder, architecture.autoencoder):
        if reference is None:
            continue
        try:
            resolve_reference(reference)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise ModelLoadError(
                f"{file}: {describe(architecture)}: {reference!r} cannot be imported: {describe_error(error)}"
            ) from error


def _describe_missing(origin: dict[str, Any], there: Architecture | LikelihoodSpec | None) -> str:
    distribution = origin.get("distribution")
    kind = _LIKELIHOOD if _LIKELIHOOD in origin else "architecture"
    text = f"{kind} {origin.get(kind)!r} of plugin {origin.get('plugin')!r} is missing"
    if there is not None:
        text += f" ({kind} {there.name} is a different one"
        text += f", from {there.plugin.origin})" if there.plugin else ")"
    for record in catalogue.list_plugins():
        if record.name == origin.get("plugin") and record.status in ("failed", "disabled"):
            text += f" (that plugin failed to load: {record.error})" if record.error else " (that plugin is disabled)"
    if distribution:
        return f"{text}: install {distribution}=={origin.get('version')}"
    return (
        f"{text}: run the code that registers it before loading, or name the registry file that lists it (ZOO_REGISTRY)"
    )


def _describe_newer(metadata: dict[str, Any]) -> str:
    """Return a note if the file was saved with a newer Keras than this one, otherwise an empty string."""
    saved = str(metadata.get("keras_version"))[:40]
    try:
        newer = Version(saved) > Version(keras.__version__)
    except InvalidVersion:
        return ""
    return f" (it was saved with Keras {saved}, this is {keras.__version__}: upgrade keras)" if newer else ""


def _explain(error: Exception) -> tuple[str, bool]:
    """Return why Keras could not load it, omitting quoted configurations, and whether the reason is complete."""
    message = str(error)
    cause = re.split(r"(?:Full (?:object )?config: |config=)\{", message.rpartition("Exception encountered: ")[2])[0]
    reason = " ".join(cause.split())[:300]
    return f"cannot be loaded: {type(error).__name__}: {reason}", "config" not in message


def _explain_unregistered(name: str, config: dict[str, Any], origins: dict[str, dict[str, Any]]) -> str:
    plugins = [
        origin.get("plugin")
        for part, origin in origins.items()
        if any(name in (item.get("class_name"), item.get("config")) for item in objects(config["config"].get(part)))
    ]
    where = f"plugin {str(plugins[0])[:80]}" if plugins else "plugin or script that defines it"
    way_out = f"decorate it with @keras.saving.register_keras_serializable() in the {where}"
    return f"the layer {name} is not registered: {way_out}"
