"""A run.json changed at random beside good ones: it is read, or named and left out, and costs the others nothing."""

import copy
import json
import random
import shutil

import pytest
from support.paths import ROOT

import zoo
from zoo.benchmarking.leaderboard import Leaderboard
from zoo.errors import RunError, ZooError
from zoo.report.collecting import collect
from zoo.report.groups import make_groups
from zoo.report.pages import _facts, _row

STORED = ROOT / "docs" / "leaderboard" / "vq_cnn" / "cifar10"
VALUES = [
    None, True, False, 0, -1, 3, 2**63 - 1, 2**64, 10**4000, 0.5, -1e-300, 3.4e38, 1e308, float("nan"), float("inf"),
    "", "x", "x" * 20_000, "\ud800", "\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}", "a\nb|c", "folder:/", [], {}, [[]], [None],
    ["x"], [1e308], [0] * 20_000, {"": None}, {"1": "x"}, {"x": {"y": [1, {"z": "\x00"}]}}, [[[[[[[[[[]]]]]]]]]],
]  # fmt: skip


def places(tree, path=()):
    """Return the paths of all that is in a tree."""
    found = [path] if path else []
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree[:3]) if isinstance(tree, list) else ()
    return found + [place for key, value in inner for place in places(value, (*path, key))]


def change(record, choose):
    """Change a record in one to three places: another value, none, or that of another place."""
    for _ in range(choose.choice([1, 1, 2, 3])):
        found = places(record)
        path, other = choose.choice(found), choose.choice(found)
        tree = record
        for key in path[:-1]:
            tree = tree[key]
        what = choose.random()
        if what < 0.1 and isinstance(tree, dict):
            del tree[path[-1]]
        elif what < 0.2 and isinstance(tree, dict):
            tree[choose.choice(["zz", "metrics", "iwae", "kl_per_latent", "cost", "\x1b"])] = copy.deepcopy(
                choose.choice(VALUES)
            )
        elif what < 0.4:
            value = record
            for key in other:
                value = value[key]
            tree[path[-1]] = json.loads(json.dumps(value))
        else:
            tree[path[-1]] = copy.deepcopy(choose.choice(VALUES))


def write(text, choose):
    """Return text, sometimes with bytes changed, cut or repeated."""
    content = bytearray(text.encode("utf-8"))
    if choose.random() < 0.2:
        for _ in range(choose.randint(1, 4)):
            at = choose.randrange(len(content))
            length = choose.randint(0, 9)
            content[at : at + choose.randint(0, 9)] = choose.choice([b"", b"[" * 99, bytes(content[at : at + length])])
    return bytes(content)


def outcome(function, *kinds):
    """Return what a function returns, and the error that it raises."""
    try:
        return function(), None
    except kinds as error:
        return None, error


def look(odd, good, folder, *, draw):
    """Do with a run what people do with run folders."""
    run = zoo.Run(odd)
    assert repr(run).isprintable()
    run._repr_html_()
    run.doubts()
    for first, second in ((run, good), (good, run), (run, run)):
        compared, error = outcome(lambda first=first, second=second: zoo.compare(first, second), ZooError, ValueError)
        json.dumps(compared, allow_nan=False)
        assert error is None or str(error).isprintable()
    collection = collect(folder)
    assert "good" in collection.runs
    assert "odd" in collection.runs or any(it.path == odd for it in collection.failures)
    if run.state == "damaged":
        with pytest.raises(RunError) as caught:
            _ = run.config
        assert len(str(caught.value)) < len(str(odd)) + 500
        return "damaged"
    json.dumps([run.config, run.scores, run.cost, run.best], allow_nan=False)
    board, error = outcome(lambda: Leaderboard.from_runs([run, good], folder), RunError)
    if board is None:
        assert "damaged" in str(error)
        return "no row"
    json.dumps(board.to_dict(), allow_nan=False)
    for text in (board.to_markdown(), board.to_csv()):
        assert text.encode("utf-8").decode().replace("\n", "").isprintable()
        assert len(text) < 50_000
    if run.status == "finished" and "odd" in collection.runs:
        assert _facts(run)
        assert _row(run, folder)
        if draw:
            make_groups(collection, 50)
    return "read"


def attack(folder, seeds, draw_each):
    text = (next(STORED.glob("seed0-*")) / "run.json").read_text()
    shutil.copytree(next(STORED.glob("seed1-*")), folder / "good")
    shutil.copytree(next(STORED.glob("seed0-*")), folder / "odd")
    good, outcomes = zoo.Run(folder / "good"), []
    for seed in seeds:
        choose = random.Random(seed)
        record = json.loads(text)
        change(record, choose)
        (folder / "odd" / "run.json").write_bytes(write(json.dumps(record), choose))
        try:
            outcomes.append(look(folder / "odd", good, folder, draw=seed % draw_each == 0))
        except BaseException:
            print(f"seed {seed}")
            raise
    return outcomes


def test_a_changed_record_is_read_or_named(tmp_path):
    outcomes = attack(tmp_path, range(150), draw_each=30)
    assert set(outcomes) >= {"damaged", "read"}


@pytest.mark.slow
def test_many_changed_records_are_read_or_named(tmp_path):
    attack(tmp_path, range(1000, 6000), draw_each=100)
