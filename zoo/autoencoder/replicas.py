"""Training on several replicas with ``tf.distribute``, each of which sees its share of a batch."""

from __future__ import annotations

from typing import Any

import keras

from zoo.typing import Tensor


def check_strategy(model: keras.Model) -> None:
    """Raise ``ValueError`` under a strategy of several machines, with which Keras 3 fails or waits forever."""
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    refused = {
        "MultiWorkerMirroredStrategy": tf.distribute.MultiWorkerMirroredStrategy,
        "ParameterServerStrategy": tf.distribute.experimental.ParameterServerStrategy,
    }
    for name, kind in refused.items():
        if isinstance(model.distribute_strategy, kind):
            raise ValueError(
                f"the model was made under {name}, which Keras 3 does not support: expected "
                "tf.distribute.MirroredStrategy, for the devices of one machine; to use several machines, train one "
                "run on each"
            )


def count_replicas() -> int:
    """Return the number of replicas of the current replica context; 1 outside of a step or a strategy."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def sum_over_replicas(values: Any) -> Any:
    """Return tensors, or one, summed over all replicas; call it in a step with more than one."""
    import tensorflow as tf

    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def count_images(images: Any) -> Any:
    """Return the number of images in a batch, or of pairs of an image and what comes with it."""
    return keras.ops.shape(keras.tree.flatten(images)[0])[0]


def fill_empty(images: Any) -> Any:
    """Return a replica's images; or one, the mean of the other replicas' first, if it has none.

    If the last batch has fewer images than there are replicas, some get none, and TensorFlow's convolutions refuse an
    empty batch. The image stands in for them: its results are to be left out.

    Args:
        images: ``(batch, H, W, C)``, uint8 in 0..255 or float in [0, 1]; or these and what comes with them.
    """
    return images if count_replicas() == 1 else keras.tree.map_structure(_fill, images)


def _fill(images: Tensor) -> Tensor:
    import tensorflow as tf

    images = tf.convert_to_tensor(images)
    first = tf.reduce_sum(tf.cast(images[:1], "float32"), axis=0)
    is_empty = tf.cast(tf.equal(tf.shape(images)[0], 0), "float32")
    total, full = sum_over_replicas([first, 1.0 - is_empty])
    image = tf.cast(tf.round(total / full) if images.dtype == tf.uint8 else total / full, images.dtype)
    return tf.concat([images, image[None][: tf.cast(is_empty, "int32")]], axis=0)
