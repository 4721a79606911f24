import json

import zoo
from zoo.cli.sets_printing import print_samples

PRESET = "small_cnn/mnist_sample"


def test_samples_are_scored_by_a_sampler(command):
    arguments = ("evaluate", PRESET, "--limit", 100, "--samples", 60, "--sampler", "gaussian_mixture:3", "--seed", 2)
    made = command(*arguments, "--json")
    assert made.exit_code == 0, made.stderr
    shown = json.loads(made.stdout)["samples"]
    model, digits = zoo.create_model(PRESET, weights="default"), zoo.load_dataset("mnist_sample")
    sampler = zoo.samplers.fit(model, digits.train, "gaussian_mixture:3", seed=2)
    expected = zoo.sample_scores(sampler.sample(60, seed=2), digits.test.images[:60], seed=2)
    assert shown.pop("sampler") == "gaussian_mixture:3"
    assert (shown["samples"], shown["images"], shown["features"]) == (60, 60, "digit features")
    assert shown == expected


def test_samples_in_a_table(capsys):
    score = {"value": 0.5, "low": 0.25, "high": 0.75}
    scores = {"precision": score, "recall": score, "frechet_distance": {"value": 1234.5, "low": 0, "high": 2000}}
    print_samples({"sampler": "prior", "samples": 40, "images": 1000, "features": "digit features", **scores})
    printed = capsys.readouterr().out
    assert "40 samples by prior, against 1,000 images, by digit features" in printed
    assert "0.250 to 0.750" in printed
    assert "0.00 to 2,000.00" in printed


def test_what_is_refused(command):
    refused = command("evaluate", PRESET, "--sampler", "two_stage")
    assert refused.exit_code == 2
    assert "--sampler needs --samples N" in refused.stderr
