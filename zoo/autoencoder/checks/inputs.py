"""Checks of any input of a model: an array, a split, or a stream, whose later batches are checked as they come."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from zoo.autoencoder.checks.stream_errors import noted, noting, own_errors_first
from zoo.data.checks import check_images, explain_range, is_array, refuse_targets
from zoo.data.dataset import Dataset, Split

LATER = "(a later batch)"
RANGE = "0.."
Check = Callable[[Any, str], Any]


class Beside(Protocol):
    """What is expected of a stream's batches beside their images, such as labels."""

    def check(self, batch: Any, what: str) -> None:
        """Raise ``ValueError`` unless a batch whose images were checked has it."""
        ...

    def pair(self, batch: Any) -> Any:
        """Return a batch as Keras' loops take it: everything in one input."""
        ...

    def pair_in_pipeline(self, stream: Any, what: str) -> Any:
        """Return a ``tf.data.Dataset`` with all batches so, and their values checked."""
        ...


def check_data(data: Any, image_shape: Sequence[int | None], what: str = "images", beside: Beside | None = None) -> Any:
    """Check any input that a model is trained on, evaluated on or applied to.

    Args:
        data: images, a ``zoo.Split``, a stream as in ``check_batches``, or a tuple that contains only images.
        image_shape: as in ``check_images``.
        what: the name of the data in messages.
        beside: as in ``check_batches``.

    Returns:
        The images as a NumPy array, or the stream to use instead.

    Raises:
        ValueError: as in ``check_images``, or targets are included.
    """
    if isinstance(data, Split):
        data = data.images
    if isinstance(data, Dataset):
        raise ValueError(f"{what}: got a whole dataset; expected one of its splits: dataset.train, .validation, .test")
    refuse_mapping(data, what)
    if data is None:
        raise ValueError(f"{what}: got None; expected images or a stream of batches")
    if isinstance(data, tuple):
        for extra in data[1:]:
            refuse_targets(extra, what)
        data = data[0] if data else None
        refuse_mapping(data, what)
    if isinstance(data, list) and len(data) > 1 and len(getattr(data[0], "shape", ())) == 4:
        refuse_targets(data[1], what)  # [x, y]
    if is_array(data):
        return check_images(data, image_shape, what)
    if isinstance(data, str | bytes) or not (isinstance(data, Iterable) or hasattr(data, "__getitem__")):
        raise ValueError(f"{what}: got {type(data).__name__}; expected images or a stream of batches")
    with own_errors_first():
        return check_batches(data, image_shape, what, beside)


def check_batches(
    stream: Any, image_shape: Sequence[int | None], what: str = "images", beside: Beside | None = None
) -> Any:
    """Check the first batch of a stream, and let the stream to use instead check each later one as it comes.

    A ``tf.data.Dataset`` checks the range of its values within its own pipeline; generators and ``PyDataset`` check
    each batch as an array. Later batches of other loaders, such as PyTorch's, are not checked.

    Args:
        stream: a ``tf.data.Dataset``, a ``keras.utils.PyDataset``, a data loader or a generator of batches of images
            or of ``(images, labels)``.
        image_shape: as in ``check_images``.
        what: the name of the images in messages.
        beside: what batches must have beside images; None: anything else in them is ignored.

    Returns:
        The stream to use instead. It raises ``ValueError`` at a later batch that is not as described in
        ``check_images``; within ``tf.data``, TensorFlow's error contains the sentence.

    Raises:
        ValueError: as in ``check_images``, or there is no batch, or targets of the images' shape instead of labels.
    """

    def check(batch: Any, which: str) -> None:
        _check_batch(batch, image_shape, f"{what} {which}")
        if beside is not None:
            beside.check(batch, f"{what} {which}")

    pair = _as_tuple if beside is None else beside.pair
    if getattr(stream, "is_checked", False):
        return stream  # The zoo's own, of arrays that were checked.
    if isinstance(stream, Iterator):
        first = next(stream, None)
        check(first, "(first batch)")
        # The only iterators that Keras accepts are generators of tuples.
        return (pair(batch) for batch in itertools.chain([first], _checked(stream, check)))
    if hasattr(stream, "element_spec"):
        if not hasattr(stream, "take"):
            return stream  # A distributed dataset: its batches are on the replicas.
        check(next(iter(stream.take(1)), None), "(first batch)")
        checked = _check_in_pipeline(stream, what)
        return checked if beside is None else beside.pair_in_pipeline(checked, what)
    if hasattr(stream, "__getitem__") and hasattr(stream, "__len__"):
        check(stream[0] if len(stream) else None, "(first batch)")
        return _check_items(stream, check, None if beside is None else pair)
    check(next(iter(stream), None), "(first batch)")
    return stream


def refuse_sample_weights(batch: Any) -> None:
    """Raise ``ValueError`` if a batch is ``(images, labels, weights)``."""
    if isinstance(batch, tuple | list) and len(batch) > 2 and batch[2] is not None:
        raise ValueError("the batch has sample weights: expected images, or (images, labels)")


def refuse_mapping(data: Any, what: str) -> None:
    """Raise ``ValueError`` if images are given as a dict, as TensorFlow Datasets yields them."""
    if isinstance(data, Mapping):
        keys = ", ".join(map(str, data))
        key = next((key for key in data if "image" in str(key).lower()), next(iter(data), "image"))
        way_out = f"such as stream.map(lambda batch: batch[{key!r}])" if "batch)" in what else f"such as data[{key!r}]"
        raise ValueError(
            f"{what}: got a dict with {f'the keys {keys}' if keys else 'no keys'}; expected images, or "
            f"(images, labels): take the images out of it, {way_out}"
        )


def _check_batch(batch: Any, image_shape: Sequence[int | None], what: str) -> None:
    if batch is None:
        name = what.removesuffix(" (first batch)")
        raise ValueError(f"{name}: got a stream without a batch; expected at least one image")
    refuse_mapping(batch, what)
    images, *others = batch if isinstance(batch, tuple | list) else (batch,)
    # Not only in the step: after an error in a step on JAX, the weights are gone.
    refuse_sample_weights(batch)
    refuse_mapping(images, what)
    checked = check_images(images, image_shape, what)
    if others and getattr(others[0], "shape", None) == checked.shape:
        refuse_targets(others[0], what)


def _checked(batches: Iterable[Any], check: Check) -> Iterator[Any]:
    for batch in noted(batches):
        with noting():
            check(batch, LATER)
        yield batch


def _as_tuple(batch: Any) -> tuple[Any, ...]:
    return tuple(batch) if isinstance(batch, tuple | list) else (batch,)


def _check_in_pipeline(stream: Any, what: str) -> Any:
    """Return a ``tf.data.Dataset`` that also checks the range of its values; shape and type cannot change."""
    import tensorflow as tf

    spec = stream.element_spec
    images = spec[0] if isinstance(spec, tuple | list) else spec
    if not isinstance(images, tf.TensorSpec) or not (images.dtype.is_floating or images.dtype == tf.uint8):
        return stream

    def check(*batch: Any) -> Any:
        low, high = tf.reduce_min(batch[0]), tf.reduce_max(batch[0])
        # Comparisons are false for NaN, which minimum and maximum may leave out.
        inside = tf.reduce_all(tf.logical_and(batch[0] >= 0, batch[0] <= 1))
        fits = high != 1 if images.dtype == tf.uint8 else inside
        with tf.control_dependencies([tf.debugging.Assert(fits, [f"{what} {LATER}", images.dtype.name, low, high])]):
            checked = tf.identity(batch[0])
        return (checked, *batch[1:]) if isinstance(spec, tuple | list) else checked

    return stream.map(check)


def explain_pipeline_error(error: BaseException) -> str | None:
    """Return the message of a check within ``tf.data`` that failed; None for any other error."""
    found = re.search(rf"\[([^\[]*{re.escape(LATER)})\] \[([\w.]+)\] \[(\S+)\] \[(\S+)\]", str(error))
    if found is None:
        return None
    what, dtype, low, high = found.groups()
    if dtype.startswith(RANGE):
        return f"{what}: got {low} to {high}; expected whole numbers from 0 to {dtype.removeprefix(RANGE)}"
    return explain_range(dtype, float(low), float(high), what)


def _check_items(stream: Any, check: Check, pair: Callable[[Any], Any] | None) -> Any:
    """Return a ``PyDataset`` that also checks each batch; other sequences, such as data loaders, are unchanged."""
    from keras.utils import PyDataset

    # Processes would have to unpickle a local class.
    if not isinstance(stream, PyDataset) or stream.use_multiprocessing:
        return stream

    class Checked(PyDataset):  # type: ignore[misc,unused-ignore]
        """The same batches, checked."""

        def __init__(self) -> None:
            super().__init__(stream.workers, stream.use_multiprocessing, stream.max_queue_size)

        @property
        def num_batches(self) -> Any:
            return stream.num_batches

        def __len__(self) -> int:
            return len(stream)

        def __getitem__(self, index: int) -> Any:
            with noting():
                batch = stream[index]
                check(batch, LATER)
            return batch if pair is None else pair(batch)

        def on_epoch_begin(self) -> None:
            stream.on_epoch_begin()

        def on_epoch_end(self) -> None:
            stream.on_epoch_end()

    return Checked()
