"""A model's weights as arrays by name: what its encoder, decoder and own variables hold, without the optimizer.

The names are those of Keras' own weights files, which follow the structure of the model and not the automatic names of
layers: ``encoder/layers/conv2d_1/vars/0``. The model's own variables are ``model/0``, ``model/1`` and so on.
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
from zoo.autoencoder.internals import own_variables
from zoo.autoencoder.model import AutoEncoder
from zoo.errors import ModelLoadError

_OWN = "model"
_ALL = "vars"  # Where Keras has the model's own variables, which change with what was compiled.
_FILE = "model.weights.h5"
_SPARE = 100_000  # Values.


def get_arrays(model: AutoEncoder) -> dict[str, np.ndarray]:
    """Return a model's weights by name."""
    with _saved(model) as file, h5py.File(file, "r") as content:
        found = {name: np.asarray(content[name]) for name in _names(content, model)}
    return found | {f"{_OWN}/{index}": to_array(variable) for index, variable in enumerate(_own(model))}


def set_arrays(model: AutoEncoder, arrays: Mapping[str, np.ndarray], where: object) -> None:
    """Give a model weights by name; real numbers may be stored with fewer bits than it has.

    Args:
        model: the model; unchanged if an error is raised.
        arrays: an array for each name that ``get_arrays`` returns, and no other.
        where: the file that they come from, for messages.

    Raises:
        ModelLoadError: a name is missing or not the model's, or an array has another shape or kind.
    """
    own = {f"{_OWN}/{index}": variable for index, variable in enumerate(_own(model))}
    with _saved(model) as file:
        with h5py.File(file, "r+") as content:
            names = _names(content, model)
            expected = {name: (tuple(content[name].shape), content[name].dtype) for name in names}
            expected |= {name: (tuple(it.shape), np.dtype(it.dtype)) for name, it in own.items()}
            _compare(arrays, expected, where)
            for name in names:
                content[name][...] = arrays[name].astype(expected[name][1])
        model.load_weights(file)
    for name, variable in own.items():
        variable.assign(arrays[name].astype(expected[name][1]))


def check_size(arrays: Mapping[str, np.ndarray], build: Callable[[], Iterable[keras.Model]], where: object) -> None:
    """Build the parts of a model without their values, and check that these would be no more than the arrays have.

    Args:
        arrays: the arrays in a file.
        build: builds the parts.
        where: the file, for messages.

    Raises:
        ModelLoadError: the model is much larger than the file.
    """
    stored = sum(array.size for array in arrays.values())
    with keras.StatelessScope(initialize_variables=False):
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
def _saved(model: AutoEncoder) -> Iterator[Path]:
    """Yield a weights file of a model, as Keras writes it, which exists only meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, _FILE)
        model.save_weights(file)
        yield file


def _names(content: h5py.File, model: AutoEncoder) -> list[str]:
    """Return the names of the arrays that belong to the network, sorted."""
    names: list[str] = []
    content.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return sorted(name for name in names if _is_network(name.partition("/")[0], model))


def _is_network(first: str, model: AutoEncoder) -> bool:
    """Whether a name in Keras' file begins with a part of the network, and not with what training or drawing needs."""
    if first == _ALL:
        return False
    other = (keras.optimizers.Optimizer, keras.metrics.Metric, keras.random.SeedGenerator)
    return not isinstance(getattr(model, first, getattr(model, f"_{first}", None)), other)


def _own(model: AutoEncoder) -> list[Any]:
    """Return the model's own variables but those of the KL weight, which belong to training."""
    scheduled = (model.kl_step, model.kl_constant)
    return [it for it in own_variables(model) if all(it is not variable for variable in scheduled)]
