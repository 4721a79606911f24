"""Private parts of Keras and TensorFlow: each test fails by name when a new version takes one away."""

import keras
import numpy as np
import pytest
from support.small_models import IMAGES, make_model

from zoo.autoencoder import internals

TENSORFLOW = keras.backend.backend() == "tensorflow"
needs_tensorflow = pytest.mark.skipif(not TENSORFLOW, reason="TensorFlow's own")


def test_forget_added_losses():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.ActivityRegularization(l2=1.0)(inputs))
    model(np.ones((2, 3), "float32"))
    assert len(model.losses) == 1
    internals.forget_added_losses(model)
    assert model.losses == []


def test_loss_tracker():
    model = make_model()
    assert internals.loss_tracker(model) is model.metrics[0]
    assert internals.loss_tracker(model).name == "loss"


def test_is_called_by_fit(monkeypatch):
    seen = []
    original = internals.is_called_by_fit
    monkeypatch.setattr(
        "zoo.autoencoder.fitting.is_called_by_fit", lambda given: seen.append(original(given)) or seen[-1]
    )
    model = make_model()
    model.evaluate(IMAGES, verbose=0)
    model.fit(IMAGES, validation_data=IMAGES, verbose=0)
    assert seen == [False, True]


def test_name_publicly():
    optimizers = [
        keras.optimizers.SGD(0.1),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(weight_decay=0.1)),
    ]
    for optimizer in optimizers:
        named = internals.name_publicly(keras.saving.serialize_keras_object({"optimizer": [optimizer]}))
        assert "backend" not in str(named)
        assert "'module': 'keras.optimizers'" in str(named)
        (again,) = keras.saving.deserialize_keras_object(named)["optimizer"]
        assert type(again) is type(optimizer)
        assert again.get_config()["name"] == optimizer.get_config()["name"]


def test_adam_moments():
    weight = keras.Variable([1.0, 2.0])
    optimizer = keras.optimizers.Adam()
    optimizer.apply([keras.ops.convert_to_tensor([0.5, -1.0])], [weight])
    first, second = (np.asarray(moment) for moment in internals.adam_moments(optimizer, weight))
    np.testing.assert_allclose(first, [0.05, -0.1], rtol=1e-6)
    np.testing.assert_allclose(second, [0.00025, 0.001], rtol=1e-6)


@needs_tensorflow
def test_is_deterministic_and_leave_determinism():
    import tensorflow as tf

    assert not internals.is_deterministic()
    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    try:
        assert internals.is_deterministic()
    finally:
        internals.leave_determinism()
    assert not internals.is_deterministic()


@needs_tensorflow
def test_read_trace():
    trace = internals.read_trace(b"")
    assert list(trace.planes) == []
    assert trace.planes.add(name="host").name == "host"
    assert [plane.name for plane in internals.read_trace(trace.SerializeToString()).planes] == ["host"]


@needs_tensorflow
def test_function_graph():
    import tensorflow as tf

    inner = tf.function(lambda x: x + 1.0).get_concrete_function(tf.TensorSpec((), "float32"))
    outer = tf.function(lambda x: inner(x)).get_concrete_function(tf.TensorSpec((), "float32"))
    (call,) = [operation for operation in outer.graph.get_operations() if operation.type.endswith("PartitionedCall")]
    graph = internals.function_graph(outer.graph, call.get_attr("f").name)
    assert any(operation.type == "AddV2" for operation in graph.get_operations())


def test_build_state():
    model = make_model(metrics=["mse"])
    assert internals.build_state(model, (IMAGES,))
    assert len(model.metrics[-1].variables) == 2
    assert not internals.build_state(model, (IMAGES,))
