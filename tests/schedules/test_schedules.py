import keras
import numpy as np
import pytest

from zoo import schedules
from zoo.schedules import Constant, Cyclic, LinearDecay, LinearWarmUp


def values(schedule, steps):
    return [float(schedule(np.float32(step))) for step in steps]


def test_constant_stays():
    schedule = Constant(0.3)
    np.testing.assert_allclose(values(schedule, [0, 1, 1000]), 0.3, rtol=1e-6)
    assert schedule.final == 0.3


def test_linear_warm_up_rises_in_equal_steps_and_stays():
    schedule = LinearWarmUp(4)
    np.testing.assert_allclose(values(schedule, range(7)), [0, 0.25, 0.5, 0.75, 1, 1, 1])
    assert schedule.final == 1.0


def test_linear_warm_up_goes_from_start_to_end():
    schedule = LinearWarmUp(10, start=2.0, end=0.5)
    np.testing.assert_allclose(values(schedule, [0, 5, 10, 99]), [2.0, 1.25, 0.5, 0.5])
    assert schedule.final == 0.5


def test_cyclic_warms_up_again_and_again():
    schedule = Cyclic(8)
    once = [0, 0.25, 0.5, 0.75, 1, 1, 1, 1]
    np.testing.assert_allclose(values(schedule, range(24)), once * 3)
    assert schedule.final == 1.0


def test_cyclic_ends_after_its_cycles():
    schedule = Cyclic(5, ratio=0.8, cycles=2, start=0.5, end=2.5)
    once = [0.5, 1.0, 1.5, 2.0, 2.5]
    np.testing.assert_allclose(values(schedule, range(15)), [*once, *once, *[2.5] * 5])
    assert schedule.final == 2.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cycle_steps": 0}, "cycle_steps is 0: expected a whole number of at least 1"),
        ({"cycle_steps": 1}, "cycle_steps is 1: expected at least 2"),
        ({"cycle_steps": 5, "ratio": True}, "ratio is True: expected a number above 0 and up to 1"),
        ({"cycle_steps": 5, "cycles": 1.5}, "cycles is 1.5: expected a whole number of at least 1"),
        ({"cycle_steps": 5, "ratio": 0}, "ratio is 0: expected a number above 0 and up to 1"),
        ({"cycle_steps": 5, "ratio": 1.1}, "ratio is 1.1: expected a number above 0 and up to 1"),
        ({"cycle_steps": 5, "end": -1}, "end is -1: expected a finite number of at least 0"),
    ],
)
def test_cyclic_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        Cyclic(**options)


@pytest.mark.parametrize(
    "schedule",
    [Constant(2.5), LinearWarmUp(7, start=0.1, end=4.0), Cyclic(5, 0.4, 2, 0.1, 3.0), LinearDecay(0.1, 9, 0.3)],
    ids=lambda schedule: type(schedule).__name__,
)
def test_survives_serialization(schedule):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    np.testing.assert_array_equal(values(again, range(10)), values(schedule, range(10)))


def test_get_takes_numbers_schedules_and_mappings():
    schedule = LinearWarmUp(3)
    assert schedules.get(schedule) is schedule
    for number in (2, 2.0, np.float32(2)):
        assert schedules.get(number).final == 2.0
    warm_up = schedules.get({"warm_up_steps": 3, "end": 0.5})
    assert warm_up.get_config() == {"warm_up_steps": 3, "start": 0.0, "end": 0.5}
    cyclic = schedules.get({"cycle_steps": 6, "cycles": 4})
    assert cyclic.get_config() == {"cycle_steps": 6, "ratio": 0.5, "cycles": 4, "start": 0.0, "end": 1.0}


@pytest.mark.parametrize("value", [{}, {"foo": 1}, {"cycle_steps": 4, "warm_up_steps": 4}])
def test_get_refuses_mappings_that_are_no_schedule(value):
    with pytest.raises(ValueError, match=r"kl_weight is {.*}: expected a number, or a mapping with warm_up_steps"):
        schedules.get(value)


@pytest.mark.parametrize("value", [None, "linear", True, [1.0], lambda step: step])
def test_get_refuses_other_things(value):
    with pytest.raises(TypeError, match=r"kl_weight is .*expected a number or a schedule"):
        schedules.get(value)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_weights_must_be_finite_and_not_negative(value):
    for make in (schedules.get, Constant, lambda v: LinearWarmUp(3, start=v), lambda v: LinearWarmUp(3, end=v)):
        with pytest.raises(ValueError, match="expected a finite number of at least 0"):
            make(value)


@pytest.mark.parametrize("steps", [0, -3, 2.5, "many"])
def test_warm_up_steps_are_a_positive_whole_number(steps):
    with pytest.raises(ValueError, match=r"warm_up_steps is .*expected a whole number of at least 1"):
        LinearWarmUp(steps)


def test_warm_up_takes_numpy_integers_and_stays_serialisable():
    schedule = LinearWarmUp(np.int64(5))
    assert type(schedule.get_config()["warm_up_steps"]) is int


def test_linear_decay_stays_then_falls_to_zero():
    schedule = LinearDecay(0.01, steps=10, share=0.4)
    np.testing.assert_allclose(values(schedule, range(12)), [0.01] * 7 + [0.0075, 0.005, 0.0025, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(values(LinearDecay(2.0, steps=4, share=1), range(5)), [2, 1.5, 1, 0.5, 0])


def test_linear_decay_moves_inside_a_compiled_fit():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(inputs))
    optimizer = keras.optimizers.SGD(LinearDecay(1.0, steps=8, share=0.5))
    # The gradient is always one, so a weight moves by the sum of the rates.
    model.compile(optimizer, loss=lambda y_true, y_pred: keras.ops.mean(y_pred))
    model.fit(np.ones((8, 2)), np.zeros((8, 1)), batch_size=1, verbose=0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.layers[1].kernel), -6.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((-1.0, 4), "learning_rate is -1.0"),
        ((1.0, 0), "steps is 0"),
        ((1.0, 4, 0), "share is 0"),
        ((1.0, 4, 1.1), "share is 1.1"),
    ],
)
def test_linear_decay_refuses(arguments, words):
    with pytest.raises(ValueError, match=words):
        LinearDecay(*arguments)
