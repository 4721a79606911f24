"""Batches of an image array on backends other than TensorFlow, in the memory of the process or of the device."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.autoencoder.checks.labels import Inputs, as_given, given_beside, values_of
from zoo.autoencoder.tf_pipeline import BATCH_SIZE
from zoo.data.mapped import RowReader, release

SHARE = 0.5  # Of the device's free memory that images may take; the rest is for the steps.


class ArrayBatches(keras.utils.PyDataset):
    """The batches of an array of checked images.

    Args:
        images: ``(n, H, W, C)``, with labels or without.
        batch_size: images per batch, 32 by default; the last batch may have fewer.
        shuffle: whether each epoch has a new order, drawn from NumPy's global state as Keras draws it for arrays.

    Attributes:
        order: the indices of the images in the order in which they come; it may be set when an epoch begins.
    """

    is_checked = True

    def __init__(self, images: Inputs, batch_size: int | None, *, shuffle: bool = False) -> None:
        super().__init__()
        self.images, self.batch_size, self.shuffle = images, batch_size or BATCH_SIZE, shuffle
        self.order = np.arange(len(images))
        self.epochs_begun = 0
        self._read = RowReader(values_of(images))

    @property
    def num_batches(self) -> int:
        """The number of batches per epoch."""
        return -(-len(self.images) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any]:
        start = index * self.batch_size
        rows = self.order[start : start + self.batch_size]
        beside = tuple(it[rows] for it in given_beside(self.images))
        return ((self._read(rows), *beside) if beside else self._read(rows),)

    def on_epoch_begin(self) -> None:
        """Draw the epoch's order."""
        self.epochs_begun += 1
        if self.shuffle:
            self.order = np.random.permutation(len(self.images))


class HeldBatches:
    """Batches whose images lie on the device, or on each of several, and where the current epoch is.

    Args:
        batches: the batches; their order is copied to the device once per epoch.
    """

    def __init__(self, batches: ArrayBatches) -> None:
        self.batches = batches
        self.images = put(as_given(batches.images))
        release(values_of(batches.images))
        self.full = len(batches.images) // batches.batch_size
        self.rest = len(batches.images) % batches.batch_size
        self._epoch = -1
        self._done = 0
        self._order: Any = None

    def take(self, steps: int) -> tuple[Any, int, int, int]:
        """Go on by some steps.

        Returns:
            The epoch's order on the device, the first step, the number of steps with full batches, and the number of
            images in the short one that follows, or 0.
        """
        if self._epoch != self.batches.epochs_begun:
            self._epoch, self._done = self.batches.epochs_begun, 0
            self._order = put(self.batches.order.astype("int32"))
        first = self._done
        self._done = min(first + steps, self.batches.num_batches)
        full = max(0, min(self._done, self.full) - first)
        return self._order, first, full, self.rest if self._done > self.full else 0


def put(values: Any) -> Any:
    """Return arrays on the device, or on all devices of the current ``keras.distribution``."""
    import jax

    return jax.device_put(values, shard(None))


def shard(axis: int | None) -> Any:
    """Return how arrays lie on the devices of the current ``keras.distribution``; None if there is none.

    Args:
        axis: 0 if each device has its share of them; None if it has all.
    """
    import jax

    distribution = keras.distribution.distribution()
    if distribution is None:
        return None
    mesh = distribution.device_mesh.backend_mesh
    names = () if axis is None else (distribution.batch_dim_name,)
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*names))


def have_room(arrays: list[np.ndarray]) -> bool:
    """Return whether the arrays fit into the device's memory; where it is unknown, as on a CPU, they do."""
    import jax

    facts = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" not in facts:
        return True
    free = facts["bytes_limit"] - facts.get("bytes_in_use", 0)
    return bool(sum(array.nbytes for array in arrays) <= SHARE * free)
