"""Keras' Adam, using TensorFlow's fused kernel where available."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.autoencoder.internals import adam_moments
from zoo.typing import Tensor


def get_optimizer(identifier: Any) -> keras.optimizers.Optimizer:
    """Return the same as ``keras.optimizers.get``, except this module's optimizer for ``"adam"``.

    Raises:
        ValueError: Keras has no optimizer with this name.
    """
    if isinstance(identifier, str) and identifier.lower() == "adam":
        return Adam()
    return keras.optimizers.get(identifier)


# On PyTorch a subclass, which updates all weights at once.
_KerasAdam: Any = type(keras.optimizers.Adam.__new__(keras.optimizers.Adam))


@keras.saving.register_keras_serializable(package="zoo")
class Adam(_KerasAdam):
    """``keras.optimizers.Adam`` (Kingma and Ba 2015) that updates a weight with one operation instead of a dozen.

    Arguments, state and results match Keras' optimizer, up to rounding. Where TensorFlow's kernel cannot be used
    (other backends, ``amsgrad``, sparse gradients, weights that are not float32, several replicas), it falls back to
    that optimizer.
    """

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """Update a weight and its two moments."""
        if not self._has_kernel(gradient, variable):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        first, second = adam_moments(self, variable)
        step = ops.cast(self.iterations + 1, "float32")
        target = variable.value if isinstance(variable, keras.Variable) else variable
        tf.raw_ops.ResourceApplyAdam(
            var=target.handle,
            m=first.handle,
            v=second.handle,
            beta1_power=ops.power(ops.cast(self.beta_1, "float32"), step),
            beta2_power=ops.power(ops.cast(self.beta_2, "float32"), step),
            lr=ops.cast(learning_rate, "float32"),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=ops.cast(gradient, "float32"),
        )

    def _has_kernel(self, gradient: Tensor, variable: Any) -> bool:
        if keras.backend.backend() != "tensorflow" or self.amsgrad:
            return False
        import tensorflow as tf

        return (
            keras.backend.standardize_dtype(variable.dtype) == "float32"
            and not isinstance(gradient, tf.IndexedSlices)
            and tf.distribute.get_strategy().num_replicas_in_sync == 1
        )
