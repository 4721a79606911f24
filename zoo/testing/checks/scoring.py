"""Checks that a model can be scored and sampled like any other."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from zoo.testing.rule import CheckFailure, check, require, shorten
from zoo.testing.subject import to_numpy

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

ALIKE = 1e-3  # Relative; allows for different orders of summation in float32.


@check()
def check_scores(subject: Subject) -> None:
    """``zoo.evaluate`` returns scores that JSON can store, with a finite -ELBO that is the sum of its terms."""
    from zoo.evaluation.scores import evaluate

    model = subject.trained.model
    try:
        scores = evaluate(model, subject.images()[:8], importance_samples=2)
        json.dumps(scores, allow_nan=False)
    except Exception as error:
        raise CheckFailure(
            f"zoo.evaluate raised {shorten(error)}: override elbo_terms, log_weights, reconstruct and "
            "extra_scores of zoo.AutoEncoder if the latent is not Gaussian"
        ) from error
    total = scores["reconstruction"] + scores["kl"]
    require(
        scores["kl"] >= 0 and math.isclose(scores["negative_elbo"], total, rel_tol=1e-5),
        f"-ELBO is {scores['negative_elbo']:.6g}, its terms are {scores['reconstruction']:.6g} and {scores['kl']:.6g}: "
        "expected their sum, and a KL divergence of at least 0: return (-log p(x|z), KL) in nats per image from "
        "elbo_terms",
    )


@check()
def check_terms_are_those_of_the_bound(subject: Subject) -> None:
    """``elbo_terms`` returns -log p(x|z) and, with the prior N(0, I), the KL divergence, in nats summed per image."""
    from zoo.autoencoder.model import AutoEncoder

    model = subject.trained.model
    images = subject.images()[:8]
    mean, std = model.encode(images)
    given, divergence = (to_numpy(term) for term in model.elbo_terms(images, z=mean))
    expected = -to_numpy(model.likelihood.log_prob(model.prepare(images), model.decoder(mean, training=False)))
    require(
        given.shape == expected.shape and bool(np.allclose(given, expected, rtol=ALIKE)),
        f"elbo_terms returns the reconstruction {_show(given)} for z from encode, but -log p(x|z) is "
        f"{_show(expected)}: return -self.likelihood.log_prob(images, parameters), which sums over pixels and channels",
    )
    if subject.posterior == "point" or type(model).draw_prior is not AutoEncoder.draw_prior:
        return
    mean, std = mean.astype("float64"), std.astype("float64")
    expected = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).reshape(len(mean), -1).sum(axis=1)
    require(
        divergence.shape == expected.shape and bool(np.allclose(divergence, expected, rtol=ALIKE, atol=ALIKE)),
        f"elbo_terms returns the KL divergence {_show(divergence)} but the one from N(0, I) is {_show(expected)}: "
        "return all of it, summed over latents, and leave weighting to kl_weight; for another prior, override "
        "draw_prior too",
    )


def _show(values: np.ndarray) -> str:
    return f"{float(np.mean(values)):.6g} on average, of shape {values.shape},"


@check()
def check_images_are_in_range(subject: Subject) -> None:
    """Reconstructions and samples are float32 images in [0, 1], and samples repeat with their seed."""
    model = subject.trained.model
    made = {"reconstruct": model.reconstruct(subject.images()[:3]), "sample": model.sample(3, seed=0)}
    for name, images in made.items():
        require(
            images.shape == (3, *subject.shape)
            and images.dtype == np.float32
            and 0 <= images.min() <= images.max() <= 1,
            f"{name} returned {images.dtype} of shape {images.shape} from {images.min():.3g} to {images.max():.3g}: "
            f"expected float32 {(3, *subject.shape)} in [0, 1], as returned by the likelihood's mean",
        )
    require(
        np.array_equal(made["sample"], model.sample(3, seed=0)),
        "sample(3, seed=0) returned different images the second time: draw z from the seed alone",
    )
