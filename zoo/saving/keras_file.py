"""Checking a ``.keras`` file as untrusted input before Keras reads it, without executing anything in it."""

from __future__ import annotations

import copy
import json
import math
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras

from zoo.errors import ModelLoadError

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MEGABYTE = 2**20
_LARGEST = {CONFIG: 16 * _MEGABYTE, METADATA: _MEGABYTE}
# Keras stores weights uncompressed, and never writes a small file that unpacks to a large one.
_LARGEST_RATIO = 100
# Packages, besides its own, from which Keras imports modules that a file names.
_KERAS_IMPORTS = ("keras_hub", "keras_cv", "keras_nlp")
# The parts of Keras that models consist of; keras.callbacks, keras.utils and the like do not belong in one.
_KERAS_PARTS = (
    "activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "models", "ops",
    "optimizers", "quantizers", "random", "regularizers", "src",
)  # fmt: skip
# Layers that run code from the file or read other files named in it.
_UNSAFE = ("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper")


def read_config(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a file's model configuration, after checking the archive and every class that it names.

    Args:
        file: a ``.keras`` file.

    Returns:
        The model's configuration and the file's metadata, such as ``keras_version``.

    Raises:
        ModelLoadError: there is no such file, or it is not a ``.keras`` file, damaged, or not safe to load.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(file, archive)
            config, metadata = (json.loads(archive.read(name)) for name in (CONFIG, METADATA))
    except FileNotFoundError as error:
        raise ModelLoadError(f"{file}: no such file; expected a .keras file or a run folder") from error
    except RecursionError:
        raise ModelLoadError(f"{file}: not a .keras file: its configuration is nested too deeply") from None
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelLoadError(f"{file}: not a .keras file: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise ModelLoadError(f"{file}: not a .keras file: its config.json describes no model")
    for item in objects(config):
        _check_object(file, item)
    return config, metadata if isinstance(metadata, dict) else {}


def _check_members(file: Path, archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    for name in names:
        if name not in (CONFIG, METADATA, WEIGHTS) or names.count(name) > 1:
            twice = " twice" if names.count(name) > 1 else ""
            raise ModelLoadError(
                f"{file}: not a .keras file of the zoo: it holds {name[:80]!r}{twice}; expected {METADATA}, {CONFIG} "
                f"and {WEIGHTS}"
            )
    for name in (METADATA, CONFIG, WEIGHTS):
        if name not in names:
            raise ModelLoadError(f"{file}: not a .keras file: it has no {name}")
        info = archive.getinfo(name)
        expanded = info.file_size > _MEGABYTE and info.file_size > _LARGEST_RATIO * info.compress_size
        if expanded or info.file_size > _LARGEST.get(name, math.inf):
            raise ModelLoadError(
                f"{file}: refused: {name} would unpack from {info.compress_size:,} to {info.file_size:,} bytes, which "
                "is not plausible for a model"
            )


def objects(config: Any) -> Iterator[dict[str, Any]]:
    """Return every dict in a configuration."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _check_object(file: Path, item: dict[str, Any]) -> None:
    if "class_name" not in item:
        return
    module, name = str(item.get("module")), str(item["class_name"])
    package, _, rest = module.partition(".")
    if package in _KERAS_IMPORTS and package not in sys.modules:
        raise ModelLoadError(f"{file}: names the module {module}, which is not imported: import it before loading")
    if package == "keras" and rest and rest.partition(".")[0] not in _KERAS_PARTS:
        raise ModelLoadError(f"{file}: refused: it names {module}.{name}, which is not part of a model"[:400])
    if name in _UNSAFE:
        raise ModelLoadError(
            f"{file}: refused: it has a {name} layer, which runs code from the file: replace it with a layer class "
            "registered with @keras.saving.register_keras_serializable()"
        )


def check_weights(file: Path, config: dict[str, Any]) -> None:
    """Check that the file's weights are plain arrays, and that the model is no larger than they are.

    The model is built without allocating its arrays, so a small file cannot demand more memory than its own size.

    Args:
        file: a ``.keras`` file that ``read_config`` has checked.
        config: its configuration.

    Raises:
        ModelLoadError: the weights are damaged, refer to other files, or are fewer than the model's.
        Exception: whatever Keras raises if it cannot build the model.
    """
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(copy.deepcopy({**config, "compile_config": None}), safe_mode=True)
    needed = sum(math.prod(variable.shape) for variable in model.variables)
    try:
        with zipfile.ZipFile(file) as archive, archive.open(WEIGHTS) as member, h5py.File(member, "r") as weights:
            stored = archive.getinfo(WEIGHTS).file_size
            reason = _find_reference(weights, stored)
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelLoadError(f"{file}: its {WEIGHTS} is damaged: {' '.join(str(error).split())[:200]}") from error
    if reason is not None:
        raise ModelLoadError(f"{file}: refused: its {WEIGHTS} {reason}; expected plain arrays")
    # Every value takes at least one byte.
    if needed > stored + _MEGABYTE:
        raise ModelLoadError(
            f"{file}: refused: it describes a model with {needed:,} values, but its {WEIGHTS} has {stored:,} bytes"
        )


def _find_reference(weights: h5py.File, stored: int) -> str | None:
    """Return why an HDF5 file contains more than plain arrays, or None if it does not."""
    waiting: list[tuple[str, h5py.Group]] = [("", weights)]
    seen = set()
    while waiting:
        where, group = waiting.pop()
        for name in group:
            path = f"{where}/{name}"[:100]
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                return f"links {path} to another place"
            item = group[name]
            if isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    return f"holds {path} twice"
                seen.add(address)
                waiting.append((path, item))
            elif not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
                return f"reads {path} from elsewhere"
            elif item.nbytes > stored + _MEGABYTE:
                return f"claims that {path} has {item.nbytes:,} bytes, but has only {stored:,} itself"
    return None
