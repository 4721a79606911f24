"""Sentences about results that look sound and are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zoo.score_names import has_collapsed

FAR = 3.0  # Ratio of the KL divergence in training and in validation, beyond which something is wrong.
LEAST_KL = 1.0  # Nats; below it, ratios say little.


def explain_scores(scores: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence if the posterior has collapsed onto the prior, so that the latent says nothing of the image.

    Args:
        scores: a result of ``zoo.evaluate``.
    """
    if has_collapsed(scores.get("active_units"), scores.get("kl")):
        yield (
            f"no latent is active (KL divergence {scores['kl']:.3g} nats): the posterior has collapsed onto the prior, "
            "and the reconstruction ignores the image; try a smaller kl_weight, a warm-up (kl_weight with "
            "warm_up_steps), free_bits such as 0.1, or a lower learning_rate"
        )


def explain_epoch(row: Mapping[str, float], *, has_averages: bool) -> Iterator[str]:
    """Yield a sentence if training and validation differ as they do while moving averages have not settled.

    Args:
        row: an epoch of a history.
        has_averages: whether the model has moving averages, as batch normalisation has.
    """
    training, validation = row.get("kl_loss", 0.0), row.get("val_kl_loss", 0.0)
    low, high = sorted((training, validation))
    if has_averages and high > LEAST_KL and high > FAR * low:
        yield (
            f"the KL divergence of the best epoch is {training:.3g} nats in training, but {validation:.3g} in "
            "validation: the moving averages of batch normalisation have probably not settled; train for more epochs, "
            "or lower their momentum (momentum=0.9, if the architecture has that option)"
        )
