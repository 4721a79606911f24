"""Files changed at random are loaded or refused with one sentence, and soon."""

import copy
import json
import random
import time
import zipfile

import pytest
from support.keras_files import ONE, function, make_saved

import zoo
from zoo.errors import ModelLoadError

HOSTILE = [
    None, True, -1, 0, 10**12, 1e308, float("nan"), "", "relu", "os.system", "../../etc/passwd", "\ud800", [], {},
    [[]], [10**9, 10**9], {"class_name": "Lambda", "config": {}, "module": "keras.layers"}, ONE,
    function("keras", "utils.get_file"),
]  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return make_saved(tmp_path_factory.mktemp("saved"), train=True)[1]


def mutate(config, chance):
    """Change one place of a configuration."""
    places = []
    waiting = [config]
    while waiting:
        item = waiting.pop()
        for key, value in list(item.items()) if isinstance(item, dict) else list(enumerate(item)):
            places.append((item, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    item, key = chance.choice(places)
    kind = chance.randrange(4)
    if kind == 0:
        del item[key]
    elif kind == 1:
        other, which = chance.choice(places)
        item[key] = copy.deepcopy(other[which])
    else:
        item[key] = copy.deepcopy(chance.choice(HOSTILE))


def mutated(saved, folder, seeds):
    with zipfile.ZipFile(saved) as source:
        content = {name: source.read(name) for name in source.namelist()}
    for seed in seeds:
        chance = random.Random(seed)
        config, weights = json.loads(content["config.json"]), bytearray(content["model.weights.h5"])
        if seed % 3:
            for _ in range(chance.choice([1, 1, 1, 3])):
                mutate(config, chance)
        else:
            # Of the structure, which stands before the arrays and between them.
            for _ in range(chance.choice([1, 4, 16])):
                weights[chance.randrange(min(len(weights), 6000))] = chance.randrange(256)
        file = folder / f"{seed}.keras"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("metadata.json", content["metadata.json"])
            archive.writestr("model.weights.h5", bytes(weights))
        begun = time.monotonic()
        message = ""
        try:
            zoo.load_model(file)
        except ModelLoadError as error:
            message = str(error)
        assert "\n" not in message
        assert len(message) < len(str(file)) + 600
        assert time.monotonic() - begun < 15
        file.unlink()


@pytest.mark.filterwarnings("ignore")
def test_changed_at_random(saved, tmp_path):
    mutated(saved, tmp_path, range(30))


@pytest.mark.parametrize(
    "count", [pytest.param(400, marks=pytest.mark.slow), pytest.param(1500, marks=pytest.mark.exhaustive)]
)
@pytest.mark.filterwarnings("ignore")
def test_changed_at_random_for_long(saved, count, tmp_path):
    mutated(saved, tmp_path, range(1000, 1000 + count))
