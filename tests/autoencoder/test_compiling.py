"""What ``compile`` takes, and what a step does with it."""

import inspect
import warnings

import keras
import numpy as np
import pytest
from support.small_models import BYTES, IMAGES, make_model, make_parts

import zoo
from zoo.autoencoder.model import AutoEncoder


@pytest.fixture(scope="module")
def model():
    """A model of no use in training, shared by the tests that only look."""
    return make_model()


def test_loss_in_compile_replaces_the_likelihood():
    model = make_model("discretized_logistic", channels=2)
    model.compile(loss="discretized_gaussian")
    assert model.likelihood.identifier == "discretized_gaussian"
    with pytest.raises(ValueError, match=r"bernoulli .* needs \(8, 8, 1\): build it with build_decoder"):
        model.compile(loss="bernoulli")
    assert model.likelihood.identifier == "discretized_gaussian"
    model.compile()
    assert model.likelihood.identifier == "discretized_logistic"


def test_loss_of_compile_is_kept_in_a_file_as_compile_state(tmp_path):
    model = make_model("discretized_logistic", channels=2)
    model.compile(loss="discretized_gaussian")
    model.save(tmp_path / "model.keras")
    again = zoo.load_model(tmp_path / "model.keras")
    assert again.likelihood.identifier == "discretized_gaussian"
    again.compile()
    assert again.likelihood.identifier == "discretized_logistic"


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "save"])
def test_loops_name_the_arguments_of_keras(method):
    ours, theirs = (inspect.signature(getattr(cls, method)).parameters for cls in (AutoEncoder, keras.Model))
    assert list(ours) == list(theirs)
    assert [parameter.default for parameter in ours.values()] == [parameter.default for parameter in theirs.values()]


@pytest.mark.parametrize("value", [-0.1, float("nan"), "much"])
def test_free_bits_must_be_a_number(model, value):
    with pytest.raises(ValueError, match=r"free_bits is .*: expected a finite number of at least 0"):
        model.compile(free_bits=value)


@pytest.mark.parametrize("argument", ["loss_weights", "weighted_metrics"])
def test_compile_refuses_what_it_cannot_mean(model, argument):
    with pytest.raises(ValueError, match=f"{argument} is given: expected none"):
        model.compile(**{argument: [1.0]})


def test_train_step_needs_compile():
    with pytest.raises(ValueError, match=r"not compiled: call compile\(optimizer, loss\) before train_step"):
        AutoEncoder(*make_parts()).train_step(IMAGES)


def test_test_step_needs_compile_and_takes_a_batch_alone():
    with pytest.raises(ValueError, match=r"not compiled: call compile\(optimizer, loss\) before test_step"):
        AutoEncoder(*make_parts()).test_step(IMAGES)
    logs = make_model().test_step(IMAGES)
    assert set(logs) == {"loss", "reconstruction_loss", "kl_loss", "negative_elbo"}


def test_nothing_to_train():
    model = make_model()
    model.encoder.trainable = model.decoder.trainable = False
    model.compile("sgd")
    before = model.get_weights()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the model has no trainable weights")
        history = model.fit(IMAGES, epochs=2, batch_size=12, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    for old, new in zip(before, model.get_weights(), strict=True):
        if old.shape:  # All but the counter of steps.
            np.testing.assert_array_equal(old, new)


def test_metrics_are_those_of_the_weights_that_the_loss_is_of():
    model = make_model()
    model.compile(keras.optimizers.SGD(0.05), metrics=["mse"])
    expected = np.mean((model.reconstruct(IMAGES).astype("float64") - IMAGES) ** 2)
    logs = model.fit(IMAGES, batch_size=len(IMAGES), shuffle=False, verbose=0).history
    np.testing.assert_allclose(logs["mse"][0], expected, rtol=1e-5)
    assert abs(np.mean((model.reconstruct(IMAGES).astype("float64") - IMAGES) ** 2) - expected) > 1e-6


def test_train_step_ignores_labels():
    losses = []
    for batch in (IMAGES, (IMAGES, np.arange(12)), [IMAGES, np.arange(12)]):
        losses.append(float(make_model().train_step(batch)["loss"]))
    assert losses[0] == losses[1] == losses[2]


def test_metrics_compare_images_with_reconstructions():
    model = make_model(metrics=["mse", keras.metrics.MeanAbsoluteError(name="mae")])
    logs = model.evaluate(BYTES, batch_size=5, verbose=0, return_dict=True)
    difference = model.reconstruct(BYTES).astype("float64") - IMAGES
    np.testing.assert_allclose(logs["mse"], np.mean(difference**2), rtol=1e-5)
    np.testing.assert_allclose(logs["mae"], np.mean(np.abs(difference)), rtol=1e-5)
    model.compile(keras.optimizers.SGD(0.0), metrics=["mse"])
    logs = model.fit(BYTES, verbose=0).history
    np.testing.assert_allclose(logs["mse"][0], np.mean(difference**2), rtol=1e-5)
    assert "mae" not in logs  # the earlier compile's


def test_the_same_seed_trains_the_same():
    histories = [make_model().fit(IMAGES, epochs=2, batch_size=4, verbose=0).history for _ in "ab"]
    assert histories[0] == histories[1]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX always compiles by XLA")
def test_xla_is_not_chosen_on_a_processor_alone():
    import tensorflow as tf

    if any(device.device_type != "CPU" for device in tf.config.list_physical_devices()):
        pytest.skip("there is an accelerator")
    model = make_model()
    assert not any(part.jit_compile for part in (model, model.encoder, model.decoder))
