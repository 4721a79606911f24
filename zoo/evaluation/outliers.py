"""Scores of single images that are high for outliers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.autoencoder.checks.labels import values_of
from zoo.autoencoder.checks.weights import check_weights
from zoo.autoencoder.model import AutoEncoder
from zoo.errors import UnknownNameError
from zoo.evaluation.auroc import auroc
from zoo.evaluation.blocks import Blocks, prepare
from zoo.evaluation.bounds import elbo_terms_in_blocks, has_latents
from zoo.evaluation.image_quality import mean_squared_error
from zoo.evaluation.regret import STEPS, likelihood_regret
from zoo.evaluation.scores import check_count, is_binary

Array = npt.NDArray[np.float64]
ELBO, ERROR, REGRET, TYPICALITY = "negative_elbo", "reconstruction_error", "likelihood_regret", "typicality"
ANOMALY_SCORES = (ELBO, ERROR, REGRET, TYPICALITY)
MOST_STEPS = 100_000


def anomaly_scores(
    model: AutoEncoder,
    images: Any,
    scores: Sequence[str] = (ELBO, ERROR),
    *,
    reference: Any = None,
    seed: int = 0,
    steps: int = STEPS,
    progress: bool = False,
) -> dict[str, Array]:
    """Score each image by how unlike it is those that the model was trained on.

    None of these is reliable by itself: a model may well find images of another kind more likely than its own
    (Nalisnick et al. 2019). See the page on outliers in the documentation for an example with numbers.

    Args:
        model: a trained model.
        images: ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1]; or a ``zoo.Split``; for a conditional model, and
            in ``reference`` too, ``(images, labels)`` or a split.
        scores: which ones.
        reference: images like those that the model was trained on, for ``typicality``: some of the training images, at
            best some hundred or more.
        seed: the seed of the draws of z and of dynamic binarization.
        steps: of Adam for ``likelihood_regret``.
        progress: show progress of ``likelihood_regret`` on stderr.

    Returns:
        An array ``(n,)``, float64, for each name; higher is more unusual. Equal at each call with the same arguments.

        - ``negative_elbo``: nats, as ``zoo.evaluate(..., per_image=True)`` returns it.
        - ``reconstruction_error``: the mean squared error of the reconstruction through the posterior mean, values in
          [0, 1].
        - ``likelihood_regret``: nats by which the ELBO grows if mean and standard deviation of the posterior are fitted
          to the image alone (Xiao et al. 2020). Slow: as long as ``steps`` steps of training for each image.
        - ``typicality``: nats between the negative ELBO and its mean over the reference, in either direction (Nalisnick
          et al. 2019, section 3, for single images).

    Raises:
        UnknownNameError: there is no such score.
        ValueError: images that the model does not accept, a score that is not defined for it, no reference for
            ``typicality``, or a number out of range.
    """
    chosen = _choose(scores)
    array = model.check_array(images)
    check_weights(model)
    seed, steps = check_count("seed", seed, 2**32 - 1), check_count("steps", steps, MOST_STEPS)
    blocks = Blocks(model, array, seed)
    found: dict[str, Array] = {}
    if ELBO in chosen or TYPICALITY in chosen:
        found[ELBO] = _negative_elbo(model, blocks)
    if ERROR in chosen:
        found[ERROR] = _reconstruction_error(model, blocks)
    if REGRET in chosen:
        _check_regret(model, blocks)
        found[REGRET] = likelihood_regret(model, blocks.inputs(), len(blocks), seed, steps=steps, progress=progress)
    if TYPICALITY in chosen:
        if reference is None:
            raise ValueError(f"{TYPICALITY} needs a reference: pass reference=, such as some of the training images")
        expected = _negative_elbo(model, Blocks(model, model.check_array(reference), seed)).mean()
        found[TYPICALITY] = np.abs(found[ELBO] - expected)
    return {name: found[name] for name in chosen}


def tell_apart(
    model: AutoEncoder, inside: Any, outside: Any, scores: Sequence[str], *, reference: Any = None, **settings: Any
) -> dict[str, dict[str, float]]:
    """Return the area under the ROC of each score, with its interval: ``{score: {auroc, low, high}}``.

    Args:
        model: the model.
        inside: images like those that it was trained on.
        outside: others.
        scores: as for ``anomaly_scores``.
        reference: likewise.
        **settings: likewise.
    """
    both = [anomaly_scores(model, images, scores, reference=reference, **settings) for images in (inside, outside)]
    areas = {name: auroc(both[0][name], both[1][name]) for name in both[0]}
    return {name: {"auroc": it.value, "low": it.low, "high": it.high} for name, it in areas.items()}


def _choose(scores: Sequence[str]) -> list[str]:
    chosen = list(dict.fromkeys([scores] if isinstance(scores, str) else scores))
    unknown = [name for name in chosen if name not in ANOMALY_SCORES]
    if unknown or not chosen:
        shown = f"no anomaly score {unknown[0]!r}" if unknown else "no anomaly score is asked for"
        raise UnknownNameError(f"{shown}: expected some of {', '.join(ANOMALY_SCORES)}")
    return chosen


def _check_likelihood(model: AutoEncoder, blocks: Blocks, name: str) -> None:
    support = model.likelihood.support
    if support is None or (support == "binary" and not is_binary(model, blocks)):
        raise ValueError(
            f"{name} is not defined: {model.likelihood.identifier} is not a likelihood of these images: choose {ERROR}"
        )


def _check_regret(model: AutoEncoder, blocks: Blocks) -> None:
    _check_likelihood(model, blocks, REGRET)
    if model.posterior != "gaussian" or not has_latents(model):
        raise ValueError(
            f"{REGRET} is not defined for {type(model).__name__}: expected a model with a Gaussian posterior of the "
            "usual bound"
        )


def _negative_elbo(model: AutoEncoder, blocks: Blocks) -> Array:
    _check_likelihood(model, blocks, ELBO)
    parts = [term + kl.sum(axis=1) for term, kl in elbo_terms_in_blocks(model, blocks, blocks.seed)]
    values = np.concatenate(parts)
    if not np.isfinite(values).all():
        raise ValueError(f"{ELBO} is not a finite number for {(~np.isfinite(values)).sum():,} of the images")
    return values


def _reconstruction_error(model: AutoEncoder, blocks: Blocks) -> Array:
    parts = []
    for images, _ in blocks.pairs():
        targets = values_of(prepare(model, images, "threshold"))
        parts.append(mean_squared_error(targets, model.reconstruct(images)))
    return np.concatenate(parts).astype(np.float64)
