"""Weights that are not finite are noticed, though rectifiers turn NaN into zeros."""

import warnings

import keras
import numpy as np
import pytest
from support.small_models import IMAGES, make_model

import zoo
from zoo.autoencoder.checks.weights import describe_structure, find_broken
from zoo.errors import ModelLoadError


def break_weight(model, value=np.nan):
    weight = next(weight for weight in model.decoder.weights if weight.path.endswith("kernel"))
    values = keras.ops.convert_to_numpy(weight).copy()
    values.flat[5] = value
    weight.assign(values)
    return weight, values.size


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_broken_weight_is_named(value):
    model = make_model()
    assert find_broken(model) is None
    weight, size = break_weight(model, value)
    assert find_broken(model) == f"the weight {weight.path} has 1 of {size} values that are NaN or infinite"


def test_finite_weights_whose_sum_overflows_are_sound():
    model = make_model()
    model.decoder.weights[0].assign(np.full(model.decoder.weights[0].shape, 3e38, "float32"))
    assert find_broken(model) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model.encode(IMAGES)


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.fit(IMAGES, verbose=0),
        lambda model: model.evaluate(IMAGES, verbose=0),
        lambda model: model.predict(IMAGES, verbose=0),
        lambda model: model.train_on_batch(IMAGES),
        lambda model: model.test_on_batch(IMAGES),
        lambda model: model.predict_on_batch(IMAGES),
        lambda model: zoo.evaluate(model, IMAGES),
    ],
)
def test_broken_model_is_refused(use):
    model = make_model()
    weight, _ = break_weight(model)
    with pytest.raises(ValueError, match=f"the weight {weight.path} has 1 of"):
        use(model)


def test_results_of_a_broken_model_are_nan():
    model = make_model()
    weight, _ = break_weight(model)
    with pytest.warns(RuntimeWarning, match=f"the weight {weight.path} has 1 of .* the result is NaN"):
        assert np.isnan(model.reconstruct(IMAGES)).all()
    with pytest.warns(RuntimeWarning, match="the result is NaN"):
        assert np.isnan(model.sample(2, seed=0)).all()
    assert np.isfinite(model.encode(IMAGES)[0]).all()  # The encoder is sound.
    with pytest.warns(RuntimeWarning), pytest.raises(ValueError, match="it cannot be drawn"):
        zoo.plot_reconstructions(model, IMAGES)


@pytest.mark.parametrize("use", ["reconstruct", "interpolate"])
def test_a_broken_encoder_is_named_and_not_the_images_blamed(use):
    model = make_model()
    weight = model.encoder.weights[0]
    weight.assign(np.full(weight.shape, np.nan, "float32"))
    arguments = (IMAGES,) if use == "reconstruct" else (IMAGES[0], IMAGES[1])
    with pytest.warns(RuntimeWarning), pytest.raises(ValueError, match=f"the weight {weight.path} has"):
        getattr(model, use)(*arguments)


def test_broken_file_is_not_loaded(tmp_path):
    model = make_model()
    break_weight(model)
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelLoadError, match=r"the weight .* has 1 of .* values that are NaN or infinite"):
        zoo.load_model(tmp_path / "model.keras")


def test_structure_changes_with_layers_and_not_with_weights():
    model = make_model()
    before = describe_structure(model.encoder)
    model.fit(IMAGES, verbose=0)
    assert describe_structure(model.encoder) == before
    model.encoder.layers[1].trainable = False
    assert describe_structure(model.encoder) != before
