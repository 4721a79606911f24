"""Gradients bounded by the median of recent norms, against a loop in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.autoencoder.optimizers.adam import Adam
from zoo.autoencoder.optimizers.clipping import CLIPPED, clip_by_usual_norms

BOUNDS = {"times": 2.0, "skipped_above": 5.0, "window": 12, "most_skipped": 2}
USUAL = np.random.default_rng(0).uniform(1, 2, 15)
ACCIDENTS = [*USUAL, 4, 5, 100, 1.5, np.nan, np.inf, 1.2, 60, 70, 80, 90, 3.5, 1.0]


def expected_factors(norms, times, skipped_above, window, most_skipped):
    """Return what each gradient is multiplied with."""
    kept, skipped = [], 0
    for norm in norms:
        recent = sorted(kept[-window:])
        median = recent[(len(recent) - 1) // 2] if len(recent) >= 10 else None
        above = median is not None and norm > skipped_above * median
        skips = (not np.isfinite(norm) or above) and skipped < most_skipped
        factor = 1.0 if median is None or not norm > times * median else times * median / norm
        skipped = skipped + 1 if skips else 0
        if np.isfinite(norm):
            kept.append(norm if median is None else min(norm, skipped_above * median))
        yield 0.0 if skips else factor


def two_gradients(norm):
    """Return gradients of two variables that have a norm together."""
    shares = np.array([0.6, 0.8, 0.0], "float32")
    whole = np.where(shares > 0, np.float32(norm) * np.where(shares > 0, shares, 1), 0).astype("float32")
    return [ops.convert_to_tensor(whole[:1]), ops.convert_to_tensor(whole[1:])]


def test_scaled_or_left_out_as_a_loop_says():
    weights = [keras.Variable(np.zeros(size, "float32")) for size in (1, 2)]
    optimizer = clip_by_usual_norms(keras.optimizers.SGD(1.0), **BOUNDS)
    before, found = np.zeros(3), []
    for norm in ACCIDENTS:
        optimizer.apply(two_gradients(norm), weights)
        after = np.concatenate([ops.convert_to_numpy(weight) for weight in weights])
        found.append(np.linalg.norm(after - before))
        before = after
    factors = np.array(list(expected_factors(ACCIDENTS, **BOUNDS)))
    expected = [0.0 if factor == 0 else factor * norm for factor, norm in zip(factors, ACCIDENTS, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-5)
    assert {0.0, 1.0} < set(factors)
    assert ((factors > 0) & (factors < 1)).sum() >= 3


def test_a_model_that_has_diverged_is_not_kept_from_showing_it():
    weight = keras.Variable(np.zeros(1, "float32"))
    optimizer = clip_by_usual_norms(keras.optimizers.SGD(1.0), **BOUNDS)
    for steps in range(3):
        assert np.isfinite(ops.convert_to_numpy(weight)).all(), steps
        optimizer.apply([ops.convert_to_tensor(np.array([np.nan], "float32"))], [weight])
    assert np.isnan(ops.convert_to_numpy(weight)).all()


@pytest.mark.parametrize(
    "kind", [keras.optimizers.Adam, keras.optimizers.AdamW, Adam], ids=lambda kind: kind.__module__
)
def test_as_the_optimizer_itself_where_nothing_is_unusual(kind):
    results = []
    for clipped in (False, True):
        weight = keras.Variable(np.ones(3, "float32"))
        optimizer = kind(0.1)
        optimizer = clip_by_usual_norms(optimizer, times=1e6, skipped_above=1e6) if clipped else optimizer
        for step in range(20):
            optimizer.apply([ops.convert_to_tensor(np.array([1, step, -2], "float32"))], [weight])
        results.append(ops.convert_to_numpy(weight))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4)  # The kernels of Adam differ in rounding.


def test_any_of_keras_optimizers_is_made_anew_from_its_settings():
    for name, kind in CLIPPED.items():
        made = clip_by_usual_norms(getattr(keras.optimizers, name)(0.01), **BOUNDS)
        assert type(made) is kind
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
        assert type(again) is type(made)
        assert again.get_config() == made.get_config()
        assert {name: getattr(again, name) for name in BOUNDS} == BOUNDS


def test_others_are_refused():
    class Own(keras.optimizers.Optimizer):
        pass

    with pytest.raises(ValueError, match=r"Own cannot be clipped: expected one of Adadelta, .*SGD"):
        clip_by_usual_norms(Own(0.1))
