"""Weights folders changed at random, with checksums that are right: read, or refused with a ``ModelLoadError``."""

import copy
import json
import random

import keras
import pytest
from support.weights_folders import build, write_folder, write_sums

import zoo
from zoo.errors import ModelLoadError, RunError
from zoo.runs.published import PublishedRun

VALUES = [
    None, True, False, 0, -1, 2, 3, 4096, 65_536, 2**63 - 1, 2**64, 0.5, -1e-300, 3.4e38, 1e308, "", "x", "x" * 20_000,
    "\ud800", "\x1b[2J\n|", "os:system", "../..", "small_cnn", "deep_cnn", "bernoulli", "logistic_mixture:7", "mse", [],
    {}, [[]], [None], ["x"], [4], [4, 4, 4], [1e308], [0] * 2000, {"": None}, {"class_name": "Lambda", "config": {}},
    {"warm_up_steps": 3}, [[[[[[[[[[]]]]]]]]]],
]  # fmt: skip


def places(tree, path=()):
    """Return the paths of all that is in a tree."""
    found = [path] if path else []
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree[:3]) if isinstance(tree, list) else ()
    return found + [place for key, value in inner for place in places(value, (*path, key))]


def change_tree(tree, choose):
    for _ in range(choose.choice([1, 1, 2, 3])):
        found = places(tree)
        if not found:
            return
        # The record of the run is most of the file, and decides nothing.
        path = choose.choice([it for it in found if it[0] != "run"] or found)
        inner = tree
        for key in path[:-1]:
            inner = inner[key]
        if choose.random() < 0.15 and isinstance(inner, dict):
            del inner[path[-1]]
        elif choose.random() < 0.15 and isinstance(inner, dict):
            inner[choose.choice(["zz", "module", "callbacks", "filters", "\x1b"])] = copy.deepcopy(
                choose.choice(VALUES)
            )
        else:
            inner[path[-1]] = copy.deepcopy(choose.choice(VALUES))


def change_bytes(content, choose, until=None):
    content = bytearray(content)
    for _ in range(choose.choice([1, 1, 2, 8])):
        at = choose.randrange(min(len(content), until or len(content)) or 1)
        what = choose.random()
        if what < 0.6 and content:
            content[min(at, len(content) - 1)] = choose.randrange(256)
        elif what < 0.8:
            del content[at : at + choose.choice([1, 2, 100])]
        else:
            content[at:at] = content[at : at + choose.choice([1, 8, 100])]
    return bytes(content)


def change_header(content, choose):
    """Change the header of the arrays, and say how long it is now."""
    length = int.from_bytes(content[:8], "little")
    tree = json.loads(content[8 : 8 + length])
    change_tree(tree, choose)
    text = json.dumps(tree).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def mutate(folder, original, choose):
    """Write the original's files into the folder, one of them changed."""
    for name, content in original.items():
        (folder / name).write_bytes(content)
    kind = choose.choice(["config", "config", "config", "header", "bytes", "scores", "sums"])
    if kind in ("config", "scores"):
        tree = json.loads(original[f"{kind}.json"])
        change_tree(tree, choose)
        text = json.dumps(tree).encode()
        (folder / f"{kind}.json").write_bytes(change_bytes(text, choose) if choose.random() < 0.1 else text)
    elif kind == "header":
        (folder / "model.safetensors").write_bytes(change_header(original["model.safetensors"], choose))
    elif kind == "bytes":
        content = change_bytes(original["model.safetensors"], choose, choose.choice([8, 900, None]))
        (folder / "model.safetensors").write_bytes(content)
    if kind == "sums":
        (folder / "SHA256SUMS").write_bytes(change_bytes(original["SHA256SUMS"], choose))
    else:
        write_sums(folder)


def run(folder, original, seeds):
    ends = {"read": 0, "refused": 0}
    for seed in seeds:
        if seed % 100 == 0:
            keras.utils.clear_session(free_memory=True)
        mutate(folder, original, random.Random(seed))
        try:
            zoo.load_model(folder)
            ends["read"] += 1
        except ModelLoadError as error:
            if "\n" in str(error):
                raise AssertionError(f"seed {seed}: {error}") from error
            ends["refused"] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
        try:
            PublishedRun(folder).content  # noqa: B018
        except RunError:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
    return ends


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("original"), build())
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_hundred_mutations(original, tmp_path):
    ends = run(tmp_path, original, range(100))
    assert min(ends.values()) > 5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_two_thousand_mutations(original, tmp_path):
    ends = run(tmp_path, original, range(1000, 3000))
    assert min(ends.values()) > 100
