import dataclasses
import json
import math

import pytest

import zoo
from zoo.registry.recipe import Recipe

NUMBER_HINT = r" \(YAML reads 1e-3 as text: write 0\.001 or 1\.0e-3\)"


def test_defaults_are_valid_and_plain():
    plain = Recipe().to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["likelihood"] == "discretized_logistic"
    assert plain["early_stopping"] is None
    assert Recipe(**plain) == Recipe()


def test_replace_gives_a_new_recipe():
    recipe = Recipe()
    changed = recipe.replace(epochs=3, kl_weight={"warm_up_steps": 100, "end": 0.5})
    assert (changed.epochs, changed.kl_weight) == (3, {"warm_up_steps": 100, "end": 0.5})
    assert recipe == zoo.Recipe()
    assert json.loads(json.dumps(changed.to_dict()))["kl_weight"] == {"warm_up_steps": 100, "end": 0.5}


def test_a_recipe_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().epochs = 3  # type: ignore[misc]


def test_a_recipe_keeps_its_own_schedule():
    schedule = {"warm_up_steps": 100}
    recipe = Recipe(kl_weight=schedule)
    schedule["warm_up_steps"] = 0
    assert recipe.kl_weight == {"warm_up_steps": 100}


def test_replace_refuses_unknown_settings():
    with pytest.raises(TypeError) as caught:
        Recipe().replace(lr=0.1)
    names = ", ".join(field.name for field in dataclasses.fields(Recipe))
    assert str(caught.value) == f"unknown recipe setting 'lr': expected one of {names}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"likelihood": ""}, "likelihood is '': expected a name"),
        ({"likelihood": None}, "likelihood is None: expected a name"),
        ({"optimizer": 3}, "optimizer is 3: expected a name"),
        ({"binarization": "bernoulli"}, "binarization is 'bernoulli': expected one of none, threshold, dynamic"),
        ({"binarization": None}, "binarization is None: expected one of none, threshold, dynamic"),
        ({"binarization": ["none"]}, r"binarization is \['none'\]: expected one of none, threshold, dynamic"),
        ({"learning_rate_decay": -0.1}, "learning_rate_decay is -0.1: expected a finite number at least 0"),
        ({"learning_rate_decay": 1.5}, "learning_rate_decay is 1.5: expected a number from 0 to 1"),
        ({"learning_rate": 0}, "learning_rate is 0: expected a finite number above 0"),
        ({"learning_rate": -0.1}, "learning_rate is -0.1: expected a finite number above 0"),
        ({"learning_rate": math.inf}, "learning_rate is inf: expected a finite number above 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan: expected a number above 0"),
        ({"learning_rate": True}, "learning_rate is True: expected a number above 0"),
        ({"learning_rate": None}, "learning_rate is None: expected a number above 0"),
        ({"learning_rate": "1e-3"}, f"learning_rate is '1e-3': expected a number above 0{NUMBER_HINT}"),
        ({"free_bits": -1}, "free_bits is -1: expected a finite number at least 0"),
        ({"free_bits": "2"}, f"free_bits is '2': expected a number at least 0{NUMBER_HINT}"),
        ({"batch_size": 0}, "batch_size is 0: expected a whole number of at least 1"),
        ({"batch_size": 1.0}, "batch_size is 1.0: expected a whole number of at least 1"),
        ({"batch_size": True}, "batch_size is True: expected a whole number of at least 1"),
        ({"epochs": "20"}, "epochs is '20': expected a whole number of at least 1"),
        ({"epochs": -1}, "epochs is -1: expected a whole number of at least 1"),
        ({"early_stopping": 0}, "early_stopping is 0: expected a whole number of at least 1"),
        ({"kl_weight": -0.5}, "kl_weight is -0.5: expected a finite number at least 0"),
        ({"kl_weight": math.inf}, "kl_weight is inf: expected a finite number at least 0"),
        ({"kl_weight": "1e-3"}, f"kl_weight is '1e-3': expected a number at least 0{NUMBER_HINT}"),
        ({"kl_weight": [1.0]}, r"kl_weight is \[1.0\]: expected a number at least 0$"),
        (
            {"kl_weight": {"steps": 5}},
            r"kl_weight is {'steps': 5}: expected a number, or a mapping with warm_up_steps and optionally start",
        ),
        ({"kl_weight": {}}, r"kl_weight is {}: expected a number, or a mapping with warm_up_steps"),
        ({"kl_weight": {"end": 1.0}}, r"kl_weight is {'end': 1.0}: expected a number, or a mapping with warm_up_steps"),
        (
            {"kl_weight": {"warm_up_steps": 5, "stop": 1}},
            "kl_weight is {.*'stop': 1}: expected a number, or a mapping with warm_up_steps",
        ),
        ({"kl_weight": {"cycle_steps": 0}}, "kl_weight: cycle_steps is 0: expected a whole number of at least 1"),
        (
            {"kl_weight": {"cycle_steps": 5, "cycles": 0}},
            "kl_weight: cycles is 0: expected a whole number of at least 1",
        ),
        ({"kl_weight": {"cycle_steps": 5, "ratio": 2}}, "kl_weight: ratio is 2: expected a number above 0 and up to 1"),
        ({"kl_weight": {"cycle_steps": 5, "ratio": 0}}, "kl_weight: ratio is 0: expected a number above 0 and up to 1"),
        (
            {"kl_weight": {"cycle_steps": 5, "warm_up_steps": 5}},
            "kl_weight is {.*}: expected a number, or a mapping with",
        ),
        ({"kl_weight": {"warm_up_steps": 0}}, "kl_weight: warm_up_steps is 0: expected a whole number of at least 1"),
        ({"kl_weight": {"warm_up_steps": 5, "start": -1}}, "kl_weight: start is -1: expected a finite number at least"),
        ({"kl_weight": {"warm_up_steps": 5, "end": None}}, "kl_weight: end is None: expected a number at least 0"),
    ],
)
def test_values_that_are_refused(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        Recipe().replace(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1},
        {"free_bits": 0},
        {"kl_weight": 0},
        {"early_stopping": 1},
        {"kl_weight": {"warm_up_steps": 1, "start": 0, "end": 2}},
        {"kl_weight": {"cycle_steps": 2, "ratio": 1, "cycles": None, "start": 0, "end": 2}},
        {"importance_samples": 5},
        *({"binarization": value} for value in ("none", "threshold", "dynamic")),
    ],
)
def test_values_at_the_edge_are_taken(changes):
    assert Recipe().replace(**changes).to_dict().items() >= changes.items()


def test_callbacks_are_names():
    recipe = Recipe(callbacks=["mine:make", "mine:make", "my.other:make"])
    assert recipe.callbacks == ("mine:make", "my.other:make")
    assert recipe.to_dict()["callbacks"] == ["mine:make", "my.other:make"]
    assert Recipe().replace(**recipe.to_dict()) == recipe
    assert "callbacks" not in Recipe().to_dict()  # Folders of earlier runs keep their names.


@pytest.mark.parametrize("callbacks", ["mine:make", [print], ["mine"], [1], None])
def test_callbacks_that_are_none(callbacks):
    with pytest.raises(ValueError, match="expected a list of names such as 'my_module:make_callback'"):
        Recipe(callbacks=callbacks)
