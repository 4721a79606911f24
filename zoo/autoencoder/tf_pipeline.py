"""Batches of image arrays for Keras' loops: on TensorFlow a pipeline free of Python code and tf.data's tuner."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.autoencoder.checks.labels import Inputs, Labelled, as_given, given_beside, is_held, values_of
from zoo.data.mapped import RowReader, find_map

BATCH_SIZE = 32  # Keras' own default.
READY = 2  # Batches prepared while a step runs.


def stream_arrays(model: keras.Model, given: dict[str, Any], *, training: bool = False) -> dict[str, Any]:
    """Replace arrays among the arguments of ``fit``, ``evaluate`` or ``predict`` by pipelines.

    This is done only on TensorFlow, and not under a distribution strategy, which splits batches itself. Keras' pipeline
    for arrays runs tf.data's tuner, and an iterator that ends waits for the tuner's next round: an epoch of 5 seconds
    may take 10.

    Args:
        model: the model whose method is called.
        given: ``x``, ``batch_size`` and, for ``fit``, ``shuffle``, ``validation_data`` and ``validation_batch_size``;
            arrays must be checked NumPy arrays.
        training: whether ``fit`` is called.

    Returns:
        The arguments to use instead.
    """
    given = dict(given)
    if keras.backend.backend() != "tensorflow" or is_distributed(model) or given.get("shuffle") == "batch":
        if isinstance(given["x"], Labelled):
            given["x"] = as_given(given["x"])
        if isinstance(given.get("validation_data"), Labelled):
            given["validation_data"] = (as_given(given["validation_data"]),)
        return given
    size = given["batch_size"] or BATCH_SIZE
    if is_held(given["x"]):
        given["x"] = stream(given["x"], size, "random" if training and given["shuffle"] else None)
        del given["batch_size"]
        if training:
            given["shuffle"] = False  # The stream does it.
    if is_held(given.get("validation_data")):
        given["validation_data"] = stream(given["validation_data"], given.pop("validation_batch_size", None) or size)
    return given


def stream(images: Inputs, batch_size: int, order: Any = None) -> Any:
    """Return images as a ``tf.data.Dataset`` of batches.

    The images are stored unchanged, gathered by index while the previous step runs, and converted within the step.
    Those that are mapped from a file, of which there may be more than memory holds, stay there.

    Args:
        images: ``(n, H, W, C)``, with labels or without.
        batch_size: images per batch; the last one may have fewer.
        order: a ``tf.Variable`` of indices, read at the start of each epoch; ``random`` for a new order in each epoch,
            determined by Python's random state, which ``keras.utils.set_random_seed`` seeds; None for the given order.
    """
    import tensorflow as tf

    count = len(images)
    batches = -(-count // batch_size)
    shown = values_of(images)
    gather = _gatherer(shown)
    others = [_gatherer(it) for it in given_beside(images)]
    with tf.device("CPU"):
        epoch = tf.Variable(0, trainable=False)
    # A stateful random operation would restart from its seed in each epoch.
    seed = random.getrandbits(31) if isinstance(order, str) else 0

    def make_order(_: Any) -> Any:
        if order is None:
            return tf.range(count, dtype=tf.int64)
        if isinstance(order, str):
            number = epoch.assign_add(1)
            return tf.random.experimental.stateless_shuffle(tf.range(count, dtype=tf.int64), (seed, number))
        return tf.identity(order)

    def make_batches(indices: Any) -> Any:
        def take(number: Any) -> Any:
            rows = indices[number * batch_size : (number + 1) * batch_size]
            batch = tf.ensure_shape(gather(rows), (None, *shown.shape[1:]))
            return ((batch, *(other(rows) for other in others)),) if others else batch

        return tf.data.Dataset.range(batches).map(take)

    dataset = tf.data.Dataset.range(1).map(make_order).flat_map(make_batches)
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches)).prefetch(READY).with_options(options)
    dataset.is_checked = True  # The arrays were.
    return dataset


def _gatherer(images: np.ndarray) -> Callable[[Any], Any]:
    """Return a function that gathers images by a tensor of their numbers."""
    import tensorflow as tf

    if find_map(images) is not None:
        read = RowReader(images)
        return lambda rows: tf.numpy_function(read, [rows], images.dtype, stateful=False)
    with tf.device("CPU"):
        held = tf.constant(images)
    return lambda rows: tf.gather(held, rows)


def split_off(images: Inputs, share: float) -> tuple[Inputs, Inputs]:
    """Split off the last part of an array for validation, as Keras does.

    Args:
        images: ``(n, ...)``, with labels or without.
        share: the share of the images to split off, from 0 to 1.

    Returns:
        The first part and the last.

    Raises:
        ValueError: one of them would be empty.
    """
    first = int(len(images) * (1.0 - share))
    if not 0 < first < len(images):
        raise ValueError(
            f"validation_split is {share!r}, which leaves {first} of {len(images)} images for training: expected a "
            "share that leaves images for both training and validation"
        )
    return images[:first], images[first:]


def is_distributed(model: keras.Model) -> bool:
    """Whether a model is trained on several devices by one of TensorFlow's strategies."""
    strategy = getattr(model, "distribute_strategy", None)  # Only on TensorFlow.
    return strategy is not None and strategy.num_replicas_in_sync > 1
