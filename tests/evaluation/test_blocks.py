"""Scores of many images take no more memory than those of few, and are the same however the images are cut."""

import gc
import tracemalloc

import numpy as np
import pytest
from support.small_models import make_model

import zoo
from zoo.evaluation import blocks

FEW, MANY = 256, 4 * 256


def images_of(count):
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), dtype="uint8")


def peak(function, *arguments):
    """Return the most bytes that NumPy held at once, apart from what was there before."""
    function(*arguments)  # Compiled, and whatever is imported.
    gc.collect()
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "_BATCHES", 1)
    # It takes long, and keeps nothing.
    monkeypatch.setattr("zoo.evaluation.scores.structural_similarity", lambda images, reconstructions: None)


@pytest.mark.parametrize("settings", [{}, {"binarization": "dynamic"}], ids=["grey", "dynamic"])
def test_memory_does_not_grow_with_the_number_of_images(small_blocks, settings):
    model = make_model(**settings)
    few, many = (peak(lambda images: zoo.evaluate(model, images), images_of(count)) for count in (FEW, MANY))
    # Some numbers for each image; its bytes as float32 are 256.
    assert many - few < 128 * (MANY - FEW)


@pytest.mark.parametrize("method", ["reconstruct", "encode", "predict"])
def test_predictions_take_no_more_than_their_result(method):
    model, images = make_model(), images_of(4096)
    call = getattr(model, method)
    options = {"verbose": 0, "batch_size": 256} if method == "predict" else {}
    result = call(images, **options)  # Compiled.
    size = sum(part.nbytes for part in (result if isinstance(result, tuple) else (result,)))
    assert peak(lambda: call(images, **options)) < 1.4 * size + 300_000


@pytest.mark.parametrize("likelihood", ["bernoulli", "discretized_logistic"])
@pytest.mark.parametrize("binarization", ["none", "dynamic"])
def test_scores_do_not_depend_on_the_blocks(monkeypatch, likelihood, binarization):
    channels = 2 if likelihood == "discretized_logistic" else 1
    model, images = make_model(likelihood, channels=channels, binarization=binarization), images_of(300)
    images[128:256] //= 255  # A block that by itself would be refused: bytes of 0 and 1 alone.
    whole = zoo.evaluate(model, images, importance_samples=2, per_image=True)
    monkeypatch.setattr(blocks, "_BATCHES", 1)
    cut = zoo.evaluate(model, images, importance_samples=2, per_image=True)
    for name, values in whole["per_image"].items():
        assert cut["per_image"][name] == (None if values is None else pytest.approx(values, rel=1e-5)), name
    for name in ("mse", "negative_elbo", "kl_per_latent", "cross_entropy", "bits_per_dim"):
        assert cut[name] == (None if whole[name] is None else pytest.approx(whole[name], rel=1e-6)), name
    assert cut["active_units"] == whole["active_units"]


def test_the_variance_of_parts_is_that_of_all():
    from zoo.evaluation.spread import Spread

    values = np.random.default_rng(0).normal(1000, [1, 0.01], (500, 2))
    spread = Spread()
    for start in range(0, 500, 130):
        spread.add(values[start : start + 130])
    np.testing.assert_allclose(spread.variance, values.var(axis=0), rtol=1e-9)


def test_mapped_images_score_as_those_in_memory(tmp_path):
    model, images = make_model(), images_of(150)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert zoo.evaluate(model, mapped) == zoo.evaluate(model, images)
