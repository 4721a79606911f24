"""``zoo.sample_scores``: how like images samples are, and how much of their variety they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.data.checks import check_images
from zoo.data.dataset import Split
from zoo.evaluation.samples.digits import NAME, SHAPE, digit_features
from zoo.evaluation.samples.frechet import distance_deviation, frechet_distance
from zoo.evaluation.samples.manifolds import lie_within, neighbour_radii, share_interval
from zoo.evaluation.scores import check_count

Array = npt.NDArray[np.float64]
NEIGHBOURS, DRAWS = 3, 200
_NORMAL = 1.959963984540054  # Its 97.5 % quantile.
_MOST_NEIGHBOURS, _MOST_DRAWS = 1000, 100_000


def sample_scores(
    samples: Any,
    images: Any,
    *,
    features: Callable[[np.ndarray], Any] | None = None,
    k: int = NEIGHBOURS,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare samples with images that no model was trained on, in a space of features.

    Numbers in another space, or of another number of samples or images, are not comparable.

    Args:
        samples: ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1].
        images: likewise ``(m, H, W, C)``; or a ``zoo.Split``, at best that for testing. As many as samples, unless
            there is a reason.
        features: a function from images, as they are given, to ``(n, d)``; by default the digit features, those of a
            small classifier of MNIST that comes with the zoo, for images of digits of 28 x 28 alone.
        k: which neighbour a ball reaches to.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        A dict for JSON, each score with ``value`` and its 95 % interval from ``low`` to ``high``:

        - ``precision``: the share of samples that lie where images do, among the balls around images that reach to the
          k-th nearest one; how many samples look like images (Kynkaanniemi et al. 2019).
        - ``recall``: the share of images that lie where samples do; how much of the variety there is in samples. Both
          intervals are Wilson's, for the images that are judged; the balls are taken as they are.
        - ``frechet_distance``: the squared Frechet distance of the features as if they were Gaussian; 0 is best. It is
          not FID, whose features are others. The interval is the value ± 1.96 standard deviations by the bootstrap.
        - ``features``, ``samples``, ``images``, ``k``: the name of the features, both numbers, and k.

    Raises:
        ValueError: images of different shapes, fewer than k + 1 of a kind, an argument out of range, no features for
            images of that size, or features that are not finite numbers ``(n, d)``.
    """
    k, draws = check_count("k", k, _MOST_NEIGHBOURS), check_count("draws", draws, _MOST_DRAWS)
    seed = check_count("seed", seed, 2**32 - 1)
    if k < 1 or draws < 2:
        raise ValueError(f"k is {k} and draws is {draws}: expected at least 1 and 2")
    given = [check_images(it.images if isinstance(it, Split) else it, (None,) * 3, name)
             for name, it in (("samples", samples), ("images", images))]  # fmt: skip
    if given[0].shape[1:] != given[1].shape[1:]:
        raise ValueError(f"samples and images: got {given[0].shape[1:]} and {given[1].shape[1:]}; expected equal sizes")
    for name, it in zip(("samples", "images"), given, strict=True):
        if len(it) <= k:
            raise ValueError(f"{name}: got {len(it):,}; expected more than k, which is {k}")
    if features is None and given[0].shape[1:] != SHAPE:
        raise ValueError(
            f"there are no features for images of {given[0].shape[1:]}: the {NAME} are for {SHAPE}: pass features=, a "
            "function from images to an array (n, d)"
        )
    drawn, real = (_features(features or digit_features, it) for it in given)
    within = lie_within(drawn, real, neighbour_radii(real, k)), lie_within(real, drawn, neighbour_radii(drawn, k))
    distance = frechet_distance(drawn, real)
    half = _NORMAL * distance_deviation(drawn, real, draws, np.random.default_rng(seed))
    return {
        "features": NAME if features is None else getattr(features, "__name__", type(features).__name__),
        "samples": len(drawn),
        "images": len(real),
        "k": k,
        "precision": _share(within[0]),
        "recall": _share(within[1]),
        "frechet_distance": {"value": distance, "low": max(0.0, distance - half), "high": distance + half},
    }


def _share(within: npt.NDArray[np.bool_]) -> dict[str, float]:
    share = float(within.mean())
    low, high = share_interval(share, len(within), _NORMAL)
    return {"value": share, "low": low, "high": high}


def _features(function: Callable[[np.ndarray], Any], images: np.ndarray) -> Array:
    found = np.asarray(function(images), np.float64)
    if found.ndim != 2 or len(found) != len(images) or not np.isfinite(found).all():
        raise ValueError(f"features: got an array of shape {found.shape}; expected finite numbers ({len(images):,}, d)")
    return found
