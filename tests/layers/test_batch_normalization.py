"""zoo.layers.BatchNormalization is Keras' layer: the same outputs, gradients and moving averages."""

import keras
import numpy as np
import pytest
from keras import ops
from support.arrays import to_numpy
from support.gradients import gradients

from zoo.layers import BatchNormalization

RNG = np.random.default_rng(0)


def pair(shape, dtype="float32", **options):
    """Return our layer and Keras' with the same weights, none of them at its initial value."""
    layers = [cls(dtype=dtype, **options) for cls in (BatchNormalization, keras.layers.BatchNormalization)]
    weights = None
    for layer in layers:
        layer.build(shape)
        weights = weights or [RNG.uniform(0.5, 2.0, size=weight.shape) for weight in layer.weights]
        layer.set_weights(weights)
    return layers


def run(layer, x, dy, training):
    """Return output, gradients of the inputs, gamma and beta, and what the moving averages became."""
    states = [(variable, ops.convert_to_tensor(variable)) for variable in layer.non_trainable_variables]

    def total(x, *weights):
        mapping = [*zip(layer.trainable_variables, weights, strict=True), *states]
        with keras.StatelessScope(state_mapping=mapping):
            return layer(x, training=training) * ops.convert_to_tensor(dy)

    found = gradients(total, x, *(ops.convert_to_numpy(weight) for weight in layer.trainable_variables))
    output = layer(x, training=training)
    return [ops.convert_to_numpy(it) for it in (output, *found, *layer.non_trainable_variables)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(16, 8, 6, 5), (3, 7, 1, 2), (1, 5, 5, 3), (1, 1, 1, 4), (2, 3)])
@pytest.mark.parametrize("options", [{}, {"momentum": 0.5, "epsilon": 0.1}, {"center": False}])
def test_equals_keras(shape, training, options):
    x, dy = (RNG.normal(2.0, 3.0, size=shape).astype("float32") for _ in range(2))
    results = [run(layer, x, dy, training) for layer in pair(shape, **options)]
    for ours, theirs in zip(*results, strict=True):
        scale = max(1.0, np.abs(theirs).max())
        np.testing.assert_allclose(ours / scale, theirs / scale, atol=2e-5)


@pytest.mark.parametrize("training", [True, False])
def test_half_precision_keeps_statistics_in_float32(training):
    shape = (8, 6, 6, 4)
    x = RNG.normal(20.0, 1.0, size=shape).astype("float32")
    rounded = ops.convert_to_numpy(ops.cast(ops.cast(x, "bfloat16"), "float32"))
    half, _ = pair(shape, "mixed_bfloat16")
    full, _ = pair(shape)
    full.set_weights(half.get_weights())
    output = half(ops.cast(x, "bfloat16"), training=training)
    assert keras.backend.standardize_dtype(output.dtype) == "bfloat16"
    expected = full(rounded, training=training)
    output = ops.cast(output, "float32")
    np.testing.assert_allclose(*to_numpy((output, expected)), rtol=1e-2, atol=2e-2)
    for ours, theirs in zip(half.weights, full.weights, strict=True):
        assert ours.dtype == "float32"
        np.testing.assert_allclose(*to_numpy((ours, theirs)), rtol=1e-5, atol=1e-6)


def test_frozen_layer_does_not_move():
    x = RNG.normal(size=(4, 3, 3, 2)).astype("float32")
    frozen, _ = pair(x.shape)
    frozen.trainable = False
    before = frozen.get_weights()
    output = frozen(x, training=True)
    np.testing.assert_array_equal(*to_numpy((output, frozen(x, training=False))))
    for old, new in zip(before, frozen.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_saved_with_a_model(tmp_path):
    model = keras.Sequential([keras.Input((5, 4, 3)), BatchNormalization(momentum=0.9)])
    x = RNG.normal(size=(4, 5, 4, 3)).astype("float32")
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    same = keras.saving.load_model(tmp_path / "model.keras")
    assert same.layers[0].momentum == 0.9
    np.testing.assert_array_equal(*to_numpy((model(x), same(x))))
