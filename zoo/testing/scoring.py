"""Checks that a model is scored and sampled like any other."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from zoo.testing.rule import CheckFailure, check, require, shorten
from zoo.testing.subject import GREY

if TYPE_CHECKING:
    from zoo.testing.subject import Subject


@check()
def check_scores(subject: Subject) -> None:
    """``zoo.evaluate`` gives scores that go into JSON, with a finite -ELBO that is the sum of its terms."""
    import zoo

    model = subject.trained.model
    try:
        scores = zoo.evaluate(model, subject.images()[:8], iwae_samples=2)
        json.dumps(scores, allow_nan=False)
    except Exception as error:
        raise CheckFailure(
            f"zoo.evaluate raised {shorten(error)}: override elbo_terms, log_weights, reconstruct and "
            "extra_scores of zoo.AutoEncoder where the latent is another than a Gaussian"
        ) from error
    total = scores["reconstruction"] + scores["kl"]
    require(
        scores["kl"] >= 0 and math.isclose(scores["negative_elbo"], total, rel_tol=1e-5),
        f"-ELBO is {scores['negative_elbo']:.6g}, its terms are {scores['reconstruction']:.6g} and {scores['kl']:.6g}: "
        "expected their sum, and a KL divergence of at least 0: elbo_terms gives (-log p(x|z), KL), nats per image",
    )


@check()
def check_images_are_in_range(subject: Subject) -> None:
    """Reconstructions and samples are float32 images in [0, 1], and samples repeat with their seed."""
    model = subject.trained.model
    made = {"reconstruct": model.reconstruct(subject.images()[:3]), "sample": model.sample(3, seed=0)}
    for name, images in made.items():
        require(
            images.shape == (3, *GREY) and images.dtype == np.float32 and 0 <= images.min() <= images.max() <= 1,
            f"{name} gave {images.dtype} of shape {images.shape} from {images.min():.3g} to {images.max():.3g}: "
            f"expected float32 (3, {', '.join(map(str, GREY))}) in [0, 1]: the likelihood's mean gives that",
        )
    require(
        np.array_equal(made["sample"], model.sample(3, seed=0)),
        "sample(3, seed=0) gave other images the second time: draw z from the seed alone",
    )
