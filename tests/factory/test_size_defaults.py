"""Options whose values depend on the size of the images."""

import pytest

import zoo
from zoo.training.plan import describe_plan, plan_run

SIZES = {48: {"latent_dim": 4}, 20: {"latent_dim": 3, "width": 5}}


def make(**fields):
    return zoo.Architecture("made", "Made", "module:encoder", "module:decoder", **fields)


def test_the_longer_side_decides():
    made = make(defaults={"latent_dim": 2, "width": 1}, size_defaults=SIZES)
    assert list(made.size_defaults) == [20, 48]
    assert made.defaults_for((19, 4, 1)) == {"latent_dim": 2, "width": 1}
    assert made.defaults_for((4, 20, 1)) == {"latent_dim": 3, "width": 5}
    assert made.defaults_for((48, 48, 3)) == {"latent_dim": 4, "width": 5}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "size_defaults is .*: expected a dict"),
        ({"48": {}}, "size_defaults has '48': {}: expected a number of pixels"),
        ({0: {}}, "size_defaults has 0"),
        ({48: 3}, "size_defaults has 48: 3"),
        ({48: {"depth": 3}}, r"size_defaults\[48\] has 'depth', which is not in defaults"),
    ],
)
def test_wrong_ones_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        make(defaults={"latent_dim": 2}, size_defaults=wrong)


@pytest.mark.parametrize("name", ["small_cnn", "deep_cnn", "residual"])
@pytest.mark.parametrize(("side", "latents"), [(32, 16), (64, 64), (128, 128), (256, 128)])
def test_models_for_larger_images_stay_small(name, side, latents):
    assert zoo.get_model_info(name).config["latent_dim"] == 16
    encoder = getattr(zoo.models, name).build_encoder((side, side, 3))
    assert encoder.output_shape[0] == (None, latents)
    assert encoder.count_params() < 2_000_000
    chosen = getattr(zoo.models, name).build_encoder((side, side, 3), latent_shape=5)
    assert chosen.output_shape[0] == (None, 5)


@pytest.mark.usefixtures("clean_registry")
def test_presets_show_and_record_the_values_of_their_size():
    zoo.register(zoo.DatasetSpec("tall", "Tall images", (64, 48, 1), (), "module:load"))
    assert zoo.get_model_info("small_cnn/tall").config == {"latent_dim": 64, "filters": [32, 64, 64]}
    assert zoo.create_model("small_cnn/tall").latent_shape == (64,)
    assert zoo.create_model("small_cnn/tall", latent_dim=3).latent_shape == (3,)
    assert describe_plan(plan_run("small_cnn/tall"), 0).options == {"latent_dim": 64, "filters": [32, 64, 64]}
