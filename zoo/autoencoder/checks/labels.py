"""Labels: what comes with the images, or with the latents, of a conditional model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.autoencoder.checks.inputs import LATER, RANGE, check_data
from zoo.data.checks import is_array
from zoo.data.dataset import Split
from zoo.data.tensors import as_array

_LABELS = "labels"


class Labelled:
    """Images or latents, and a label for each: of one length, and cut like an array.

    Args:
        values: ``(n, ...)``.
        labels: ``(n,)``, int32.
    """

    def __init__(self, values: np.ndarray, labels: np.ndarray) -> None:
        self.values, self.labels = values, labels

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the values and the labels, which a model takes as a pair."""
        yield self.values
        yield self.labels

    def __getitem__(self, rows: Any) -> Labelled:
        """Return some of them, by a slice or by their numbers."""
        return Labelled(self.values[rows], self.labels[rows])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return self.values.shape

    @property
    def dtype(self) -> Any:
        """The type of the values."""
        return self.values.dtype


Inputs = np.ndarray | Labelled


def is_held(data: Any) -> bool:
    """Whether data is in memory, as checks return it: an array, or one with labels."""
    return isinstance(data, Inputs)


def values_of(inputs: Inputs) -> np.ndarray:
    """Return inputs without labels."""
    return inputs.values if isinstance(inputs, Labelled) else inputs


def replace_values(inputs: Any, values: np.ndarray) -> Any:
    """Return other values with the labels that inputs have, if they have any."""
    return Labelled(values, inputs.labels) if isinstance(inputs, Labelled) else values


def as_given(inputs: Any) -> Any:
    """Return inputs as compiled passes take them: an array, or a pair of arrays."""
    return tuple(inputs) if isinstance(inputs, Labelled) else np.asarray(inputs)


def given_beside(inputs: Any) -> tuple[np.ndarray, ...]:
    """Return the labels of inputs as further arguments: none, if they have none."""
    return (inputs.labels,) if isinstance(inputs, Labelled) else ()


def pad(inputs: Inputs, count: int) -> Inputs:
    """Return inputs with the last of them repeated so often that there are ``count``."""
    return inputs if len(inputs) == count else inputs[np.minimum(np.arange(count), len(inputs) - 1)]


def refuse_labels(labels: Any) -> None:
    """Raise ``ValueError`` if a model that is not conditional is given labels."""
    if labels is not None:
        raise ValueError(
            "labels: got labels; expected none, since the model is not conditional: leave them out, or create a model "
            "with conditional=True"
        )


def refuse_conditional(model: Any, what: str, error: type[Exception] = ValueError) -> None:
    """Raise an error if a model takes labels, where none can be passed."""
    if model.takes_labels:
        raise error(f"{what} has no labels to pass to a conditional model: expected one that is not conditional")


def check_labels(labels: Any, count: int | None, classes: int, what: str = _LABELS) -> np.ndarray:
    """Return labels as int32.

    Args:
        labels: whole numbers, ``(count,)``, from 0 to ``classes - 1``; or one for all.
        count: how many are expected; None: any number.
        classes: the number of classes.
        what: their name in messages.

    Raises:
        ValueError: they are missing, of another length or type, or out of range.
    """
    expected = f"expected whole numbers from 0 to {classes - 1}, one for each"
    if labels is None:
        raise ValueError(f"{what}: got none; {expected}, since the model is conditional")
    try:
        array = as_array(labels)
    except ValueError:
        raise ValueError(f"{what}: got entries of different shapes; {expected}") from None
    if array.ndim == 0 and count is not None:
        array = np.broadcast_to(array, (count,))
    if array.ndim != 1:
        hint = ": of one-hot vectors, pass labels.argmax(axis=1)" if array.shape[1:] == (classes,) else ""
        raise ValueError(f"{what}: got shape {array.shape}; {expected}{hint}")
    if not np.issubdtype(array.dtype, np.integer):
        hint = ": use labels.astype('int32')" if np.issubdtype(array.dtype, np.floating) else ""
        raise ValueError(f"{what}: got {array.dtype}; {expected}{hint}")
    if count is not None and len(array) != count:
        raise ValueError(f"{what}: got {len(array):,} labels for {count:,}; {expected}")
    if len(array) and (int(array.min()) < 0 or int(array.max()) >= classes):
        raise ValueError(f"{what}: got {int(array.min())} to {int(array.max())}; {expected}")
    return array.astype("int32")


def check_labelled(data: Any, labels: Any, image_shape: tuple[int, ...], classes: int, what: str = "images") -> Any:
    """Check what a conditional model is trained on, evaluated on or applied to.

    Args:
        data: ``(images, labels)``, a ``zoo.Split``, or a stream of batches ``(images, labels)``; or images alone, whose
            labels are given beside them.
        labels: these labels; None if data has them.
        image_shape: ``(height, width, channels)``.
        classes: the number of classes.
        what: the name of the images in messages.

    Returns:
        ``Labelled``, or the stream to use instead, whose batches are ``((images, labels),)`` where that is possible.

    Raises:
        ValueError: images as in ``check_images``, or labels as in ``check_labels``.
    """
    if isinstance(data, Labelled):
        data = tuple(data)
    of_labels = _LABELS if what == "images" else f"{what}: {_LABELS}"
    if isinstance(data, Split):
        data, labels = data.images, data.labels if labels is None else labels
    elif is_pair(data):
        if labels is not None:
            raise ValueError(f"{of_labels}: got them with the images, and once more; expected one of them")
        data, labels = data
    if is_array(data) or (isinstance(data, tuple) and data):
        images = check_data(data, image_shape, what)
        return Labelled(images, check_labels(labels, len(images), classes, of_labels))
    if labels is not None:
        raise ValueError(f"{of_labels}: got them beside a stream; expected batches (images, labels)")
    return check_data(data, image_shape, what, _Labels(classes))


def is_pair(data: Any) -> bool:
    """Whether data is ``(images, labels)``."""
    return isinstance(data, tuple) and len(data) == 2


class _Labels:
    """The labels of a stream's batches."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def check(self, batch: Any, what: str) -> None:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise ValueError(
                f"{what}: got a batch of images alone; expected (images, labels), since the model is conditional"
            )
        check_labels(batch[1], len(batch[0]), self.classes, what.replace("images", _LABELS, 1))

    def pair(self, batch: Any) -> Any:
        return ((batch[0], batch[1]),)

    def pair_in_pipeline(self, stream: Any, what: str) -> Any:
        import tensorflow as tf

        def pair(images: Any, labels: Any) -> Any:
            low, high = tf.reduce_min(labels), tf.reduce_max(labels)
            fits = tf.logical_and(low >= 0, high < self.classes)
            told = [f"{what.replace('images', _LABELS, 1)} {LATER}", f"{RANGE}{self.classes - 1}", low, high]
            with tf.control_dependencies([tf.debugging.Assert(fits, told)]):
                return ((images, tf.cast(labels, "int32")),)

        return stream.map(pair)
