"""How far scores may lie apart because z was drawn anew."""

from __future__ import annotations

import math

import numpy as np

from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import Split
from zoo.evaluation.blocks import Blocks
from zoo.evaluation.bounds import elbo_terms_in_blocks

ERRORS = 5  # Standard errors: one in a million differences is larger by chance.


def allowed_by_draws(model: AutoEncoder, split: Split, seed: int) -> dict[str, float]:
    """Return the largest difference that draws explain, for each score that depends on them.

    Backends draw other numbers from the same seed. The difference of an image's bounds with two draws has a variance
    over images, from which follows the standard error of the difference of the means.

    Args:
        model: the model.
        split: the images.
        seed: the seed of the draws.

    Returns:
        Differences by the scores' paths in a result, in their units.
    """
    images = model.check_array(split)
    blocks = Blocks(model, images, seed)
    first, second = (
        np.concatenate([term + kl.sum(axis=1) for term, kl in elbo_terms_in_blocks(model, blocks, it % 2**32)])
        for it in (seed, seed + 1)
    )
    nats = ERRORS * float(np.std(first - second)) / math.sqrt(len(images))
    of_bounds = dict.fromkeys(("negative_elbo", "reconstruction", "cross_entropy", "iwae.nats"), nats)
    return of_bounds | {"bits_per_dim": nats / (math.prod(model.image_shape) * math.log(2))}
