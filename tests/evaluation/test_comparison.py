import copy
import json
import re

import pytest
from click.testing import CliRunner
from support.small_models import make_model

import zoo
from zoo.benchmarking.leaderboard import KEYS
from zoo.cli import main
from zoo.errors import IncomparableError, RunError
from zoo.evaluation.comparison import FACTS

ONE_RUN = re.compile("one run each is no evidence.*zoo benchmark --seeds")


@pytest.fixture(scope="module")
def split():
    """64 digits, cut to 8 x 8."""
    test = zoo.load_dataset("mnist_sample", limit=64).test
    return zoo.Split(test.images[:, 10:18, 10:18], test.labels, "cut_digits", "test")


@pytest.fixture(scope="module")
def results(split):
    """Two models on the same images; the first is scored with its cost."""
    models = [make_model("discretized_logistic", channels=2, latent=latent) for latent in (3, 5)]
    scores = [
        zoo.evaluate(model, split, importance_samples=2, cost=cost)
        for model, cost in zip(models, (True, False), strict=True)
    ]
    return models, scores


@pytest.fixture
def first(results):
    return copy.deepcopy(results[1][0])


@pytest.fixture
def second(results):
    return copy.deepcopy(results[1][1])


def test_differences_of_the_scores_that_both_have(first, second, split):
    comparison = zoo.compare(first, second)
    json.dumps(comparison, allow_nan=False)
    assert comparison["facts"] == {
        "dataset": "cut_digits", "part": "test", "sha256": split.sha256, "images": 64,
        "likelihood": "discretized_logistic", "binarization": "none", "k": 2, "seed": 0,
    }  # fmt: skip
    difference = comparison["difference"]
    for name in ("negative_elbo", "reconstruction", "kl", "bits_per_dim", "mse", "psnr", "ssim", "parameters"):
        assert difference[name] == second[name] - first[name]
        assert comparison["first"][name] == first[name]
        assert comparison["second"][name] == second[name]
    assert difference["iwae"] == {"nats": second["iwae"]["nats"] - first["iwae"]["nats"]}
    # One has no cost, neither has a cross-entropy, and the latents of two models have no common order.
    assert {"cost", "cross_entropy", "kl_per_latent", "data", "seed"}.isdisjoint(difference)
    assert ONE_RUN.search(comparison["note"])
    assert comparison["note"].count("\n") == 0


def test_a_score_that_one_alone_has(first, second, tmp_path):
    first["perplexity"] = 12.5
    comparison = zoo.compare(first, second)
    assert comparison["first"]["perplexity"] == 12.5
    assert "perplexity" not in comparison["second"]
    assert "perplexity" not in comparison["difference"]
    for name, result in (("first", first), ("second", second)):
        (tmp_path / name).write_text(json.dumps(result))
    printed = CliRunner().invoke(main, ["compare", str(tmp_path / "first"), str(tmp_path / "second")]).stdout
    (line,) = [line for line in printed.splitlines() if line.startswith("perplexity")]
    assert line.split() == ["perplexity", "12.50", "-", "-"]


def test_nested_scores(first):
    second = copy.deepcopy(first)
    second["cost"]["flops"]["decoder"] += 100
    second["cost"]["encode_ms"]["128"] = None
    cost = zoo.compare(first, second)["difference"]["cost"]
    assert cost["flops"] == {"encoder": 0, "decoder": 100}
    assert cost["encode_ms"] == {"1": 0.0}
    assert cost["decode_ms"] == {"1": 0.0, "128": 0.0}
    assert "only if both were measured on one idle machine" in zoo.compare(first, second)["note"]


OTHERS = {
    "dataset": "mnist",
    "part": "validation",
    "sha256": "0123456789ab" + "0" * 52,
    "images": 65,
    "likelihood": "discretized_gaussian",
    "binarization": "threshold",
    "k": 3,
    "seed": 7,
}


def change(result, fact):
    *above, last = FACTS[fact][0]
    for key in above:
        result = result[key]
    value, result[last] = result[last], OTHERS[fact]
    return value


def test_the_facts_that_must_agree():
    assert set(FACTS) == set(OTHERS)
    assert set(FACTS) < set(KEYS)


@pytest.mark.parametrize("fact", OTHERS)
def test_results_that_differ_in_a_fact_are_refused(first, second, fact):
    value = change(second, fact)
    shown = [str(item)[:12] if fact == "sha256" else str(item) for item in (value, OTHERS[fact])]
    with pytest.raises(IncomparableError) as raised:
        zoo.compare(first, second)
    message = str(raised.value)
    assert re.search(rf"differ in [^,]*\({shown[0]}\S* and {shown[1]}\S*\): score both on the same images", message)
    assert "\n" not in message


def test_every_fact_that_differs_is_named(first, second, split, results):
    for fact in OTHERS:
        change(second, fact)
    with pytest.raises(IncomparableError) as raised:
        zoo.compare(first, second)
    assert all(title in str(raised.value) for _, title in FACTS.values())
    # Of results as they come: other images, another seed, no importance-weighted bound.
    model = results[0][0]
    with pytest.raises(
        IncomparableError, match=r"SHA-256 \(.* number of images \(64 and 40\), k .* \(2 and none\), seed"
    ):
        zoo.compare(first, zoo.evaluate(model, split.limit(40), seed=1))


def test_results_of_bare_images_are_refused(first, results, split):
    bare = zoo.evaluate(results[0][0], split.images, importance_samples=2)
    for pair in ((first, bare), (bare, first), (bare, bare)):
        with pytest.raises(IncomparableError, match="does not say which images they are: score a Split"):
            zoo.compare(*pair)


@pytest.mark.parametrize("wrong", [{}, {"data": None}, {"data": []}, 3, None, [1, 2]])
def test_something_that_is_no_result(first, wrong):
    with pytest.raises(ValueError, match=r"is not a result: expected a result of zoo\.evaluate"):
        zoo.compare(first, wrong)


DAMAGES = [
    {"cost": "x"}, {"cost": [1]}, {"cost": {"flops": {"encoder": "many"}}}, {"likelihood": {"a": [1]}},
    {"negative_elbo": "12"}, {"iwae": {"k": "5", "nats": 1.0}}, {"iwae": 3}, {"seed": "0"},
    {"data": {"dataset": "d", "part": "test", "sha256": "a", "images": "many"}},
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_a_result_that_is_damaged(first, tmp_path, damage):
    wrong = {**first, **damage}
    with pytest.raises(ValueError, match="is not a result"):
        zoo.compare(wrong, wrong)
    run = write_run(tmp_path / "run", first)
    scores = run.record["scores"] | damage
    cost = scores.pop("cost", run.record["cost"])
    run.save({**run.record, "scores": scores, "cost": cost})
    with pytest.raises(ValueError, match=r"run\.json is damaged"):
        zoo.compare(first, run.path)


def test_files(first, second, tmp_path):
    paths = [tmp_path / "first.json", tmp_path / "second.json"]
    for path, result in zip(paths, (first, second), strict=True):
        path.write_text(json.dumps(result))
    assert zoo.compare(*paths) == zoo.compare(str(paths[0]), second) == zoo.compare(first, second)
    with pytest.raises(ValueError, match=r"nowhere\.json: cannot be read: No such file"):
        zoo.compare(first, tmp_path / "nowhere.json")
    paths[1].write_text("no JSON")
    with pytest.raises(ValueError, match=r"second\.json: not JSON"):
        zoo.compare(*paths)
    paths[1].write_text("{}")
    with pytest.raises(ValueError, match=r"second\.json is not a result"):
        zoo.compare(*paths)
    with pytest.raises(RunError, match="not a run folder"):
        zoo.compare(first, tmp_path)


def write_run(path, result, **changes):
    path.mkdir(exist_ok=True)
    scores = {name: value for name, value in result.items() if name != "cost"}
    record = {"status": "finished", "scores": scores, "cost": result["cost"] | {"train_seconds": 4.0}, **changes}
    run = zoo.Run(path)
    run.save(record)
    return run


def test_runs(first, tmp_path):
    second = first | {"negative_elbo": first["negative_elbo"] - 3.0}
    one, two = write_run(tmp_path / "one", first), write_run(tmp_path / "two", second)
    comparison = zoo.compare(one, two)
    assert comparison == zoo.compare(one.path, str(two.path))
    assert comparison["difference"]["negative_elbo"] == pytest.approx(-3.0)
    assert comparison["difference"]["cost"]["flops"] == {"encoder": 0, "decoder": 0}
    assert comparison["difference"]["cost"]["train_seconds"] == 0.0
    assert "train_seconds" not in zoo.compare(one, second)["difference"]["cost"]
    write_run(two.path, second, status="interrupted", scores=None)
    for source in (zoo.Run(two.path), two.path):
        with pytest.raises(IncomparableError, match="the run is interrupted, not finished, so it has no scores"):
            zoo.compare(one, source)
