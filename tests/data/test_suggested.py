"""Settings for images without a recipe of their own."""

import pytest

from zoo.data.suggested import suggest_settings
from zoo.registry.recipe import Recipe


@pytest.mark.parametrize("images", [1, 5, 240, 999, 1_000, 4_999, 5_000, 20_000, 1_000_000])
def test_suggested_settings_are_enough_steps_within_bounds(images):
    found = suggest_settings(images)
    recipe = Recipe().replace(**found)
    steps = -(-images // recipe.batch_size) * recipe.epochs
    assert 20 <= recipe.epochs <= 200
    assert steps >= 800 or recipe.epochs == 200
    assert 16 <= recipe.batch_size <= 128


def test_suggested_settings_grow_with_the_images():
    found = [suggest_settings(images) for images in range(1, 30_000, 97)]
    sizes, epochs = [it["batch_size"] for it in found], [it["epochs"] for it in found]
    assert sizes == sorted(sizes)
    assert epochs[0] > epochs[-1]
