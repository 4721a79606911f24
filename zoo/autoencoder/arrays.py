"""A model's weights as arrays by name: what its encoder, decoder and own variables hold, without the optimizer.

The names are those of Keras' own weights files, which follow the structure of the model and not the automatic names of
layers: ``encoder/layers/conv2d_1/vars/0``. What a subclass has beside encoder and decoder is ``model/0``, ``model/1``
and so on, in Keras' order.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from zoo.autoencoder.checks.weights import to_array
from zoo.autoencoder.internals import sketching
from zoo.autoencoder.model import AutoEncoder
from zoo.autoencoder.precision import limited_layers
from zoo.errors import ModelLoadError
from zoo.registry.signatures import PARTS

_OWN = "model"
_SPARE = 100_000  # Values.
_MOST_LAYERS, _LAYERS_PER_ARRAY = 200, 5


def get_arrays(model: AutoEncoder) -> dict[str, np.ndarray]:
    """Return a model's weights by name."""
    found: dict[str, np.ndarray] = {}
    for part in PARTS:
        with _saved(getattr(model, part)) as file, h5py.File(file, "r") as content:
            found |= {f"{part}/{name}": np.asarray(content[name]) for name in _names(content)}
    return found | {name: to_array(variable) for name, variable in _own(model).items()}


def set_arrays(model: AutoEncoder, arrays: Mapping[str, np.ndarray], where: object) -> None:
    """Give a model weights by name; real numbers may be stored with fewer bits than it has.

    Args:
        model: the model; unchanged if an error is raised.
        arrays: an array for each name that ``get_arrays`` returns, and no other.
        where: the file that they come from, for messages.

    Raises:
        ModelLoadError: a name is missing or not the model's, or an array has another shape or kind.
    """
    expected = get_arrays(model)
    _compare(arrays, {name: (array.shape, array.dtype) for name, array in expected.items()}, where)
    values = {name: arrays[name].astype(expected[name].dtype) for name in expected}
    for part in PARTS:
        with _saved(getattr(model, part)) as file:
            with h5py.File(file, "r+") as content:
                for name in _names(content):
                    content[name][...] = values[f"{part}/{name}"]
            getattr(model, part).load_weights(file)
    for name, variable in _own(model).items():
        variable.assign(values[name])


def check_size(arrays: Mapping[str, np.ndarray], build: Callable[[], Iterable[keras.Model]], where: object) -> None:
    """Build the parts of a model without their values, and check that these would be no more than the arrays have.

    Args:
        arrays: the arrays in a file.
        build: builds the parts.
        where: the file, for messages.

    Raises:
        ModelLoadError: the model is much larger than the file.
        Exception: whatever a builder raises.
    """
    stored = sum(array.size for array in arrays.values())
    with sketching(), limited_layers(_MOST_LAYERS + _LAYERS_PER_ARRAY * len(arrays)):
        needed = sum(math.prod(weight.shape) for part in build() for weight in part.variables)
    # A layer may have variables of its own that it does not save.
    if needed > 2 * stored + _SPARE:
        raise ModelLoadError(f"{where} has {stored:,} values: expected the {needed:,} of the model that it describes")


def _compare(
    arrays: Mapping[str, np.ndarray], expected: Mapping[str, tuple[tuple[int, ...], np.dtype]], where: object
) -> None:
    for kind, names in (("has no array", expected.keys() - arrays.keys()), ("has", arrays.keys() - expected.keys())):
        if names:
            others = f" and {len(names) - 1} others" if len(names) > 1 else ""
            way_out = "expected a file of this architecture with these options"
            what = "which is not the model's: " if kind == "has" else ""
            raise ModelLoadError(f"{where} {kind} {sorted(names)[0][:200]!r}{others}, {what}{way_out}")
    for name, (shape, dtype) in expected.items():
        array = arrays[name]
        if array.shape != shape:
            raise ModelLoadError(f"{where}: {name!r} has the shape {array.shape}: the model's has {shape}")
        # To halve the file, real numbers are stored as float16; whole numbers are what they are.
        if array.dtype != dtype and not (array.dtype.kind == dtype.kind == "f"):
            raise ModelLoadError(f"{where}: {name!r} is of type {array.dtype}: the model's is {dtype}")


@contextmanager
def _saved(part: keras.Model) -> Iterator[Path]:
    """Yield a weights file of a part, as Keras writes it, which exists only meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "part.weights.h5")
        part.save_weights(file)
        yield file


def _names(content: h5py.File) -> list[str]:
    """Return the names of the arrays in a file, sorted."""
    names: list[str] = []
    content.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return sorted(names)


def _own(model: AutoEncoder) -> dict[str, Any]:
    """Return the variables that are in neither part, without those of the KL weight, which belong to training."""
    others = {id(it) for it in (*model.encoder.weights, *model.decoder.weights, model.kl_step, model.kl_constant)}
    return {f"{_OWN}/{index}": it for index, it in enumerate(it for it in model.weights if id(it) not in others)}
