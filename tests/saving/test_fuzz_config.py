"""Model files with a changed ``config.json``: each is loaded, or refused in one sentence; nothing else is raised.

A few belong to the suite. For many: ``ZOO_FUZZ=10000 pytest tests/saving/test_fuzz_config.py -m slow``.
"""

import copy
import os
import random
import warnings

import pytest
from support.keras_files import edit_config, make_saved

import zoo
from zoo.errors import ModelLoadError

MANY, FEW = int(os.environ.get("ZOO_FUZZ", "500")), 20
VALUES = [
    None, True, 0, -1, 1, 3.5, 10**9, -(10**30), 1e308, float("nan"), "", "x", "relu", "float16", "Dense", "os",
    "keras.layers", "system", "__main__", "\x1b[31m", "\udc80", "x" * 10_000, [], [[]], [None], {}, ["a", 0, 0],
    {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}, [0] * 1000,
    {"class_name": "Dense"}, eval("[" * 80 + "]" * 80),
]  # fmt: skip


def places(tree):
    """Return every place in plain data, as its container and its key."""
    keys = tree.keys() if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    found = []
    for key in keys:
        found += [(tree, key), *places(tree[key])]
    return found


def change(config, draw):
    """Change a few places of a configuration."""
    for _ in range(draw.choice([1, 1, 2, 4])):
        container, key = draw.choice(places(config))
        match draw.randrange(4):
            case 0:
                del container[key]
            case 1:
                container[key] = copy.deepcopy(draw.choice(places(config)))[0]
            case 2 if isinstance(container, list):
                container.insert(key, copy.deepcopy(container[key]))
            case _:
                container[key] = copy.deepcopy(draw.choice(VALUES))


def check(folder, seeds):
    _, file = make_saved(folder)
    changed = folder / "changed.keras"
    loaded = 0
    for seed in seeds:
        draw = random.Random(seed)
        edit_config(file, changed, lambda config, draw=draw: change(config, draw))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                assert isinstance(zoo.load_model(changed), zoo.AutoEncoder)
                loaded += 1
            except ModelLoadError as error:
                message = str(error)
                assert str(changed) in message, seed
                assert "\n" not in message, seed
                assert len(message) < 2000, seed
            except Exception as error:
                raise AssertionError(f"seed {seed} raised {type(error).__name__}: {error}") from error
    return loaded


def test_a_few_changed_files(tmp_path):
    assert check(tmp_path, range(FEW)) < FEW


@pytest.mark.slow
def test_many_changed_files(tmp_path):
    check(tmp_path, range(1000, 1000 + MANY))
