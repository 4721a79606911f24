"""The settings that a search may choose, as users write them."""

import pytest

import zoo
from zoo.benchmarking.search.space import Range, Space
from zoo.cli.options import read_space


def test_ranges_and_values_on_the_command_line():
    given = read_space(None, None, ("learning_rate=loguniform(1e-4, 1e-2)", "latent_dim=8,16", "filters=[4, 8],[8]"))
    assert given == {"learning_rate": "loguniform(1e-4, 1e-2)", "latent_dim": [8, 16], "filters": [[4, 8], [8]]}
    space = Space.read(given)
    assert space.settings["learning_rate"] == Range("loguniform", 1e-4, 1e-2)
    assert space.to_dict()["learning_rate"] == "loguniform(0.0001,0.01)"
    assert Space.read(space.to_dict()) == space


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the space is empty"),
        ({"latent_dim": []}, r"the space's latent_dim is \[\]: expected values"),
        ({"latent_dim": [8, 8]}, "the space's latent_dim has a value twice"),
        ({"latent_dim": "normal(0,1)"}, r"expected uniform\(LOW,HIGH\), loguniform"),
        ({"latent_dim": "uniform(a,1)"}, r"expected uniform\(LOW,HIGH\), loguniform"),
        ({"latent_dim": "integers(1.5,3)"}, "expected two whole numbers"),
        ({"kl_weight": "uniform(2,1)"}, "expected two finite numbers, the lower first"),
        ({"kl_weight": "uniform(0,inf)"}, "expected two finite numbers"),
        ({"learning_rate": "loguniform(0,1)"}, "expected two finite numbers above 0"),
        ({"likelihood": ["bernoulli", "gaussian"]}, "losses with another likelihood cannot be compared"),
    ],
)
def test_spaces_that_are_none(given, message):
    with pytest.raises(ValueError, match=message):
        Space.read(given)


def test_all_points_of_a_small_grid():
    space = Space.read({"latent_dim": "integers(2,3)", "filters": [[4], [8]]})
    assert [space.to_settings(point) for point in space.points(4)] == [
        {"latent_dim": 2, "filters": [4]},
        {"latent_dim": 2, "filters": [8]},
        {"latent_dim": 3, "filters": [4]},
        {"latent_dim": 3, "filters": [8]},
    ]
    assert space.points(3) is None
    assert Space.read({"learning_rate": "uniform(0,1)"}).points(100) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"space": {"latent": [1, 2]}}, "unknown option 'latent'"),
        ({"space": {"learning_rate": "uniform(-1,1)"}}, "learning_rate"),
        ({"space": {"latent_dim": [2, 3]}, "trials": 0}, "trials is 0: expected a whole number from 1"),
        ({"space": {"epochs": [2, 3]}, "epochs": 2}, "epochs is in the space and has a value of its own"),
        ({"space": {"latent_dim": [2]}, "executor": "ray", "executor_options": {"collect": True}}, "collect is set"),
        ({"space": {"latent_dim": [2]}, "executor_options": {"colour": 1}}, "unknown option 'colour'"),
    ],
)
def test_wrong_searches_stop_before_the_first_training(tiny, tmp_path, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        zoo.search("tiny_cnn/tiny", full=True, out=tmp_path / "search", **arguments)
    assert not (tmp_path / "search").exists()
