"""Gradients on whichever backend Keras has."""

import keras
import numpy as np


def gradients(function, *arrays):
    """Return the gradients of the sum of what ``function`` gives, with regard to its arguments, as NumPy arrays."""
    arrays = [np.asarray(array, "float32") for array in arrays]
    if keras.backend.backend() == "jax":
        import jax

        found = jax.grad(lambda *inputs: keras.ops.sum(function(*inputs)), tuple(range(len(arrays))))(*arrays)
        return [np.asarray(gradient) for gradient in found]
    if keras.backend.backend() == "torch":
        inputs = [keras.ops.convert_to_tensor(array).requires_grad_() for array in arrays]
        keras.ops.sum(function(*inputs)).backward()
        return [keras.ops.convert_to_numpy(it.grad) for it in inputs]
    import tensorflow as tf

    variables = [tf.Variable(array) for array in arrays]
    with tf.GradientTape() as tape:
        total = keras.ops.sum(function(*variables))
    return [gradient.numpy() for gradient in tape.gradient(total, variables)]
