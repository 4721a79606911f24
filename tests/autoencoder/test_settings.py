"""Settings that are changed after the first step take effect, or refuse."""

import keras
import numpy as np
import pytest
from support.arrays import to_numpy
from support.small_models import BYTES, IMAGES, make_model, make_parts

import zoo
from zoo import schedules
from zoo.autoencoder.model import AutoEncoder


class KLWeight(keras.callbacks.Callback):
    """Set the KL weight of each epoch."""

    def __init__(self, change, weights):
        super().__init__()
        self.change, self.weights = change, weights

    def on_epoch_begin(self, epoch, logs=None):
        self.change(self.model, self.weights[epoch])


def weight_in_effect(history):
    terms = (np.array(history.history[key]) for key in ("loss", "reconstruction_loss", "kl_loss"))
    loss, reconstruction, kl = terms
    return (loss - reconstruction) / kl


def make_informative(**settings):
    """Return a model whose KL divergence is large enough for the weight to be seen in the loss."""
    model = make_model(optimizer=keras.optimizers.SGD(0.0), **settings)
    head = model.encoder.trainable_variables[-2]
    head.assign(head * 20.0)
    return model


@pytest.mark.parametrize("start", [1.0, schedules.LinearWarmUp(1000)])
def test_kl_weight_from_a_callback_takes_effect(start):
    model = make_informative(kl_weight=start)
    callback = KLWeight(lambda model, weight: setattr(model, "kl_weight", weight), [0.0, 5.0, 0.5])
    history = model.fit(IMAGES, epochs=3, callbacks=[callback], verbose=0)
    np.testing.assert_allclose(weight_in_effect(history), [0.0, 5.0, 0.5], atol=1e-3)
    assert model.kl_weight == 0.5


def test_constant_kl_weight_is_changed_without_compiling_again():
    model = make_informative()
    model.fit(IMAGES, verbose=0)
    step = model.train_function
    model.kl_weight = 3.0
    assert model.train_function is step
    np.testing.assert_allclose(weight_in_effect(model.fit(IMAGES, verbose=0)), 3.0, rtol=1e-3)
    model.kl_weight = schedules.LinearWarmUp(10)
    assert model.train_function is not step


def test_schedule_from_a_callback_goes_on_from_the_current_step():
    model = make_informative()
    model.fit(IMAGES, batch_size=6, verbose=0)  # two steps
    model.kl_schedule = schedules.LinearWarmUp(4)
    np.testing.assert_allclose(weight_in_effect(model.fit(IMAGES, batch_size=12, verbose=0)), 0.5, rtol=1e-3)


def losses(model):
    history = model.fit(BYTES, shuffle=False, verbose=0).history
    return {key: values[0] for key, values in history.items()}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("free_bits", 1e6),
        ("importance_samples", 64),
        ("binarization", "threshold"),
        ("likelihood", "mse"),
        ("likelihood", zoo.likelihoods.get("mse")),
    ],
)
def test_changed_setting_takes_effect_in_all_steps(name, value):
    model, fresh = make_informative(), make_informative()
    before = losses(model)
    model.evaluate(BYTES, verbose=0)
    setattr(model, name, value)
    setattr(fresh, name, value)
    fresh.seed_generator.state.assign(to_numpy(model.seed_generator.state))
    after, expected = losses(model), losses(fresh)
    assert after["loss"] != pytest.approx(before["loss"], rel=1e-3)
    assert after["loss"] == pytest.approx(expected["loss"], rel=0.3)
    scores = [model.evaluate(BYTES, verbose=0, return_dict=True)["loss"] for model in (model, fresh)]
    assert scores[0] == pytest.approx(scores[1], rel=0.3)


def test_saved_file_has_what_was_set(tmp_path):
    model = make_model("discretized_logistic", channels=2)
    model.fit(IMAGES, verbose=0)
    model.kl_weight, model.free_bits, model.likelihood = 0.25, 0.5, "discretized_gaussian"
    model.save(tmp_path / "model.keras")
    again = zoo.load_model(tmp_path / "model.keras")
    assert (again.kl_weight, again.free_bits, again.likelihood.identifier) == (0.25, 0.5, "discretized_gaussian")
    np.testing.assert_array_equal(again.reconstruct(IMAGES), model.reconstruct(IMAGES))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("kl_weight", -1.0, "kl_weight is -1.0: expected a finite number of at least 0"),
        ("free_bits", float("nan"), "free_bits is nan: expected a finite number of at least 0"),
        ("importance_samples", 0, "importance_samples is 0: expected a whole number of at least 1"),
        ("importance_samples", 10**6, "importance_samples is 1000000: expected at most 10,000 in training"),
        ("binarization", "sometimes", "binarization is 'sometimes': expected one of none, threshold, dynamic"),
        ("precision", "float8", "precision is 'float8': expected one of"),
        ("likelihood", "discretized_logistic", r"the decoder outputs \(8, 8, 1\)"),
    ],
)
def test_wrong_setting_is_refused_and_changes_nothing(name, value, message):
    model = make_model()
    before = getattr(model, name)
    with pytest.raises(ValueError, match=message):
        setattr(model, name, value)
    assert getattr(model, name) == before


def test_setting_that_does_not_fit_the_others_is_refused():
    model = make_model(free_bits=0.1)
    with pytest.raises(ValueError, match="importance-weighted bound has no KL divergence per latent"):
        model.importance_samples = 5
    model.free_bits, model.importance_samples = 0.0, 5
    with pytest.raises(ValueError, match="with the loss mean_squared_error, which is not a likelihood"):
        model.likelihood = "mse"
    assert model.likelihood.identifier == "bernoulli"


def test_frozen_layers_need_compile():
    model = make_model()
    model.fit(IMAGES, verbose=0)
    model.encoder.trainable = False
    with pytest.raises(ValueError, match=r"call compile\(\.\.\.\) again before training"):
        model.fit(IMAGES, verbose=0)
    model.compile()
    before = model.encoder.get_weights()
    model.fit(IMAGES, verbose=0)
    for old, new in zip(before, model.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("use", ["reconstruct", "predict", "evaluate", "zoo.evaluate", "predict_on_batch"])
def test_layer_changed_in_place_is_noticed(use):
    def result(model):
        if use == "zoo.evaluate":
            return zoo.evaluate(model, IMAGES)["mse"]
        settings = {} if use in ("reconstruct", "predict_on_batch") else {"verbose": 0}
        return getattr(model, use)(IMAGES, **settings)

    model, fresh = make_model(), make_model()
    result(model)
    for changed in (model, fresh):
        layer = next(layer for layer in changed.decoder.layers if isinstance(layer, keras.layers.Conv2D))
        layer.activation = keras.activations.tanh
    found, expected = result(model), result(fresh)
    np.testing.assert_allclose(found, expected, rtol=0.05 if use == "evaluate" else 1e-6)


class CountsCalls(keras.layers.Layer):
    """Changes an attribute of its own whenever Python runs it."""

    calls = 0

    def call(self, x):
        self.calls += 1
        return x


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch runs Python at each call")
@pytest.mark.parametrize("step", ["train_on_batch", "test_on_batch", "predict_on_batch"])
def test_layer_that_changes_itself_is_compiled_once(step):
    encoder, decoder = make_parts()
    counter = CountsCalls()
    model = AutoEncoder(encoder, keras.Model(decoder.inputs, counter(decoder.outputs[0])), "bernoulli", seed=1)
    model.compile()
    getattr(model, step)(IMAGES)
    calls = counter.calls
    for _ in range(2):
        getattr(model, step)(IMAGES)
    assert counter.calls == calls
