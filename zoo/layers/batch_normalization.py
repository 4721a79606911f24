"""Keras' batch normalisation, using TensorFlow's fused kernel where available."""

from __future__ import annotations

import keras
from keras import ops

from zoo.typing import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class BatchNormalization(keras.layers.BatchNormalization):
    """``keras.layers.BatchNormalization`` (Ioffe and Szegedy 2015), several times as fast for images on TensorFlow.

    Arguments, weights and results match Keras' layer, up to rounding: what it computes in a dozen passes over the
    features, TensorFlow's kernel computes in one or two. Statistics are in float32 under every dtype policy. Where the
    kernel cannot be used (other backends, features that are not ``(batch, height, width, channels)``, ``synchronized``,
    ``renorm``, float16), it falls back to Keras' layer.
    """

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """Normalise; in training by the batch's statistics, which also update the moving averages."""
        if mask is not None or not self._has_kernel(inputs):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        learning = bool(training) and self.trainable
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.convert_to_tensor(self.gamma),
            offset=ops.convert_to_tensor(self.beta),
            # In training the kernel takes empty statistics.
            mean=tf.zeros((0,)) if learning else ops.convert_to_tensor(self.moving_mean),
            variance=tf.zeros((0,)) if learning else ops.convert_to_tensor(self.moving_variance),
            epsilon=self.epsilon,
            is_training=learning,
        )
        if learning:
            # The kernel returns the unbiased variance; Keras keeps the biased one.
            count = ops.cast(tf.reduce_prod(tf.shape(inputs)[:3]), "float32")
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance * (count - 1.0) / count)
        return outputs

    def _follow(self, average: keras.Variable, value: Tensor) -> None:
        average.assign(average * self.momentum + ops.stop_gradient(value) * (1.0 - self.momentum))

    def _has_kernel(self, inputs: Tensor) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.center
            and self.scale
            and not self.synchronized
            and not getattr(self, "renorm", False)  # Added in Keras 3.13.
            and keras.backend.standardize_dtype(inputs.dtype) == self.compute_dtype
            and self.compute_dtype in ("float32", "bfloat16")
        )
