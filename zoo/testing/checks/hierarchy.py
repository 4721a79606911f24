"""Checks of models whose latents are drawn one group after the other, each given those before it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.testing.rule import check, require
from zoo.testing.subject import to_numpy, to_tensor

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

KIND = ("hierarchical",)
ALIKE = 1e-3  # Relative; allows for different orders of summation in float32.
IMAGES, DRAWS = 4, 128
ERRORS = 5  # Standard errors: one in a million differences is larger by chance.


def _draw(model: Any, count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, *model.latent_shape)).astype("float32")


@check(posteriors=KIND)
def check_every_group_has_its_divergence(subject: Subject) -> None:
    """``elbo_terms`` returns the KL divergence of all groups, each given the latents drawn before it, summed."""
    model = subject.trained.model
    images = subject.images()[:IMAGES]
    z = _draw(model, IMAGES)
    given = to_numpy(model.elbo_terms(images, z=z)[1]).astype("float64")
    found = model.infer(model.prepare(images), z=z)
    mean, std = (to_numpy(part).astype("float64") for part in (found.mean, found.std))
    kl = 0.5 * (mean**2 + std**2 - 1) - np.log(std)
    by_group = [kl[:, group.start : group.start + group.size].sum(axis=1) for group in model.groups]
    expected = np.sum(by_group, axis=0)
    missing = [
        str(index + 1)
        for index, part in enumerate(by_group)
        if given.shape == expected.shape and np.allclose(given, expected - part, rtol=ALIKE, atol=ALIKE)
    ]
    hint = f", which is that of all groups but group {missing[0]}" if missing else ""
    require(
        given.shape == expected.shape and bool(np.allclose(given, expected, rtol=ALIKE, atol=ALIKE)),
        f"elbo_terms returns a KL divergence of {given.mean():.6g} nats on average{hint}; that of all "
        f"{len(by_group)} groups from N(0, I) is {expected.mean():.6g}: sum over all groups in latent_terms",
    )


@check(posteriors=KIND)
def check_every_group_sees_the_image(subject: Subject) -> None:
    """The posterior of every group differs between images, even if the latents before it are the same."""
    model = subject.trained.model
    images = subject.images()[:IMAGES]
    z = np.repeat(_draw(model, 1), IMAGES, axis=0)
    found = model.infer(model.prepare(images), z=z)
    apart = np.maximum(*(np.ptp(to_numpy(part), axis=0) for part in (found.mean, found.std)))
    blind = [
        f"{index + 1} (latents {group.start} to {group.start + group.size - 1})"
        for index, group in enumerate(model.groups)
        if float(apart[group.start : group.start + group.size].max()) <= 1e-6
    ]
    require(
        not blind,
        f"the posterior of group {', '.join(blind)} is the same for {IMAGES} images: let the features reach it, as "
        "the layer of zoo.layers.LatentGroup.make_posterior gets them behind the state",
    )


@check(posteriors=KIND)
def check_prior_does_not_see_the_image(subject: Subject) -> None:
    """The decoder makes the same of latents that the posterior has drawn as of the same latents alone."""
    model = subject.trained.model
    images = subject.images()[:IMAGES]
    found = model.infer(model.prepare(images), noise=to_tensor(_draw(model, IMAGES)))
    along, alone = to_numpy(found.parameters), to_numpy(model.decoder(found.latents, training=False))
    apart = float(np.abs(along - alone).max())
    require(
        apart <= ALIKE * max(1.0, float(np.abs(alone).max())),
        f"the decoder's output for the same latents differs by {apart:.3g} between a pass with an image and one "
        "without: what the image says must go through the latents alone, so let LatentGroup.call return nothing but "
        "latents, and let nothing else read the decoder's input",
    )


@check(posteriors=KIND)
def check_importance_weights_are_joint(subject: Subject) -> None:
    """Log p(e) - log q(e|x) in the importance weights is -KL on average, since all groups are in both."""
    model = subject.trained.model
    images = subject.images()[:IMAGES]
    weights = to_numpy(model.log_weights(images, DRAWS, seed=0)).astype("float64")
    likelihoods, ratios = (
        to_numpy(part).astype("float64") for part in model.importance_terms(images, DRAWS, seed=0)[:2]
    )
    require(
        weights.shape == (DRAWS, IMAGES) and bool(np.allclose(weights, likelihoods + ratios, rtol=ALIKE)),
        f"log_weights returns numbers of shape {weights.shape} that are not the sum of the terms of importance_terms "
        f"with the same seed: expected {(DRAWS, IMAGES)}, log p(x|e) + log p(e) - log q(e|x) of each draw",
    )
    repeated = np.tile(images, (DRAWS, 1, 1, 1))
    kl = to_numpy(model.elbo_terms(repeated)[1]).astype("float64").reshape(DRAWS, IMAGES)
    difference = (ratios.mean(axis=0) + kl.mean(axis=0)).mean()
    error = math.sqrt((ratios.var(axis=0) + kl.var(axis=0)).mean() / DRAWS / IMAGES)
    require(
        abs(difference) <= ERRORS * error + ALIKE,
        f"log p(e) - log q(e|x) in the importance weights is {ratios.mean():.4g} nats on average and the KL divergence "
        f"{kl.mean():.4g}, which are {difference:+.2g} apart where chance explains {ERRORS * error:.2g}: sum over the "
        "latents of all groups, drawn together",
    )
