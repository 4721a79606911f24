"""Building a saved model's network from the registry instead of from the graph that its file describes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from zoo.autoencoder.checks.provenance import read_provenance
from zoo.autoencoder.internals import give_values, rename, sketching
from zoo.autoencoder.precision import limited_layers
from zoo.errors import UnknownNameError
from zoo.factory.conditional import build, model_class_for
from zoo.factory.resolve import resolve
from zoo.registry import catalogue
from zoo.registry.fields import check_shape
from zoo.registry.signatures import PARTS
from zoo.saving.description import objects
from zoo.saving.graphs import work

_NAMED = ("keras_history", "input_layers", "output_layers")


@dataclass(frozen=True)
class Known:
    """A model whose network the registry builds.

    Attributes:
        parts: the encoder and the decoder by name, whose variables have shapes, but no values yet.
        variables: these variables.
        names: of the saved model's layers, by those of the parts' layers.
    """

    parts: Mapping[str, keras.Model]
    variables: Sequence[keras.Variable]
    names: Mapping[str, Mapping[str, str]]

    def finish(self) -> Mapping[str, keras.Model]:
        """Return the parts, with initial values and the names of the saved model's layers; to be called once."""
        give_values(self.variables)
        for part, model in self.parts.items():
            rename(model, self.names[part])
        return self.parts


def find_known(config: Mapping[str, Any]) -> Known | None:
    """Return the encoder and the decoder of a saved model as the registry builds them.

    Args:
        config: a checked configuration as in ``config.json``.

    Returns:
        The parts, or None if the model is not one that the registry builds: it was made of a user's own parts, its
        architecture is not there, is another version or has other defaults, or its network was changed afterwards. The
        graph in the file is only compared, never executed.
    """
    saved = config["config"]
    try:
        # The shapes alone: options from a file may ask for more than the memory holds.
        with sketching() as variables, limited_layers(work(saved)):
            parts = _build(config)
        names = {}
        for part in PARTS:
            described = json.loads(json.dumps(keras.saving.serialize_keras_object(parts[part])))
            old, new = _list_names(described), _list_names(saved[part])
            if _number(described, old) != _number(saved[part], new):
                return None
            names[part] = dict(zip(old, new, strict=True))
    except KeyboardInterrupt:
        raise
    except BaseException:  # What stands in a file, and a plugin, may raise anything; the graph in the file remains.
        return None
    return Known(parts, variables, names)


def _build(config: Mapping[str, Any]) -> dict[str, keras.Model]:
    """Build the parts that a file's provenance tells of; raise an exception if it tells of none."""
    provenance = read_provenance(config["config"].get("provenance")) or {}
    built = provenance["built"]
    image, latent, output = (check_shape(built[key], key) for key in ("image_shape", "latent_shape", "output_shape"))
    resolved = {part: resolve(catalogue.architecture(provenance[part]["architecture"])) for part in PARTS}
    classes = built.get("classes")
    if classes is not None:
        check_shape([classes], "classes")
    registered = keras.saving.get_registered_name(model_class_for(resolved["encoder"], classes))
    if config.get("registered_name") != registered:
        raise UnknownNameError(f"its class is {config.get('registered_name')!r}: expected {registered!r}")
    shapes = {"encoder": (image, latent), "decoder": (latent, output)}
    return {part: build(resolved[part], part, shapes[part], dict(built[part]), classes) for part in PARTS}


def _list_names(part: Any) -> dict[str, int]:
    """Return the names of a part's layers, numbered: they differ from process to process."""
    names: dict[str, int] = {}
    for item in objects(part):
        inner = item.get("config")
        name = inner.get("name") if isinstance(inner, dict) else None
        if "class_name" in item and isinstance(name, str):
            names.setdefault(name, len(names))
    return names


def _number(value: Any, names: Mapping[str, int], key: str | None = None) -> Any:
    """Return a part's configuration with its layers numbered instead of named."""
    if isinstance(value, dict):
        return {
            name: _number(inner, names, name)
            for name, inner in value.items()
            if name not in ("shared_object_id", "compile_config")
        }
    if isinstance(value, list):
        return [_number(inner, names, key if key in _NAMED else None) for inner in value]
    return names.get(value, value) if isinstance(value, str) and key in ("name", *_NAMED) else value
