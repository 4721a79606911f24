"""The set of scores that every model is evaluated by."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.autoencoder.checks.labels import values_of
from zoo.autoencoder.checks.weights import check_weights
from zoo.autoencoder.hierarchical import HierarchicalAutoEncoder
from zoo.autoencoder.model import AutoEncoder
from zoo.data.dataset import Split
from zoo.data.mapped import in_blocks
from zoo.evaluation.blocks import Blocks, prepare
from zoo.evaluation.bounds import elbo_terms_in_blocks, has_latents, has_weights, importance_weighted_bound
from zoo.evaluation.cost.measure import measure_cost
from zoo.evaluation.image_quality import mean_squared_error, peak_signal_to_noise_ratio, structural_similarity
from zoo.evaluation.metrics import PluginScores, choose_metrics
from zoo.evaluation.spread import Spread
from zoo.factory.assemble import parameter_count
from zoo.score import CONDITIONAL, DESCRIPTIONS

ACTIVE_VARIANCE = 0.01
FACTS = ("cost", "data", "likelihood", "binarization", "seed", CONDITIONAL, DESCRIPTIONS)
MOST_SAMPLES = 1_000_000  # More would take hours for one image.


def evaluate(
    model: AutoEncoder,
    data: Split | np.ndarray,
    *,
    importance_samples: int = 0,
    seed: int = 0,
    cost: bool = False,
    per_image: bool = False,
    progress: bool = False,
    metrics: Sequence[str] | None = None,
    iwae_samples: int | None = None,
) -> dict[str, Any]:
    """Score a model on images that it was not trained on.

    Args:
        model: the model.
        data: a split of a dataset, or images ``(n, H, W, C)``; the provenance of bare images is null. For a conditional
            model a split, or ``(images, labels)``; all scores are then those of p(x|y).
        importance_samples: k of the importance-weighted bound; 0 omits it.
        seed: seed for the draws of z and for dynamic binarization.
        cost: measure time, memory and floating-point operations too.
        per_image: return the scores of each image too; equal for the same model, images and seed.
        progress: show progress of the importance-weighted bound on stderr.
        metrics: the names of the plugins' scores to compute (``zoo.Metric``); by default all of them.
        iwae_samples: the former name of ``importance_samples``.

    Returns:
        A dict for JSON. A score that does not apply to the model is None.

        - ``negative_elbo``: -ELBO, an upper bound on -log p(x); nats per image, one z for each image (Kingma and
          Welling 2014, equation 3).
        - ``reconstruction``: its first term, -log p(x|z); nats per image.
        - ``kl``: its second term, KL(q(z|x) || N(0, I)); nats per image.
        - ``kl_per_latent``: its summands, one for each latent in the order of a flattened ``latent_shape``; nats.
        - ``bits_per_dim``: negative_elbo / (pixels * channels * ln 2); only for likelihoods of the 256 grey
          levels, and images that are not binarised.
        - ``iwae``: ``{k, nats, images}``, the importance-weighted bound (Burda et al. 2016, equation 8).
        - ``cross_entropy``: nats per image, for ``bernoulli`` on grey images, which is not a likelihood; the scores
          above except ``kl`` and ``kl_per_latent`` are then None.
        - ``mse``: mean squared error of the reconstruction through the posterior mean, values in [0, 1].
        - ``psnr``: mean over images of 10 log10(1 / mse); decibels; None if an image is reconstructed exactly.
        - ``ssim``: mean structural similarity (Wang et al. 2004).
        - ``active_units``: latents whose posterior mean has a variance over the images above 0.01 (Burda et al. 2016,
          section 5.2); None for a single image.
        - ``kl_per_group`` and ``active_units_per_group``: both by group of latents, from the top down; only for a
          ``HierarchicalAutoEncoder``.
        - ``parameters``: number of parameters of encoder and decoder.
        - the scores of plugins by name, and ``metrics``, which describes them (title, unit, digits, better direction,
          definition); one that raises or is not finite is None, with a warning. Absent if there are none.
        - ``cost``: the result of ``zoo.evaluation.cost.measure_cost``; only if requested.
        - ``per_image``: ``negative_elbo``, ``reconstruction``, ``kl``, ``bits_per_dim``, ``cross_entropy``, ``mse``,
          ``psnr``, ``ssim`` and ``iwae`` (nats) of each image, in their order, of which the scores above are the means;
          only if requested. None in place of a list or a number as above.
        - ``conditional``: true for a conditional model, otherwise absent.
        - ``data``, ``likelihood``, ``binarization``, ``seed``: together with ``iwae``'s k, what is needed to interpret
          the scores; results that differ in one of them must not be compared (``zoo.compare`` refuses).

    Raises:
        UnknownNameError: there is no such metric.
        ValueError: images that the model does not accept, an invalid number of samples or seed, or a model
            with a weight, or with terms of the bound, that are not finite.
        TypeError: not a model of the zoo.
    """
    if not isinstance(model, AutoEncoder):
        raise TypeError(
            f"model is {model!r}: expected a zoo.AutoEncoder, as zoo.create_model or zoo.load_model returns"
        )
    if iwae_samples is not None:
        warnings.warn("iwae_samples is now called importance_samples", DeprecationWarning, stacklevel=2)
        importance_samples = iwae_samples
    samples = check_count("importance_samples", importance_samples, MOST_SAMPLES)
    seed = check_count("seed", seed, 2**32 - 1)
    chosen = choose_metrics(metrics)
    split = data if isinstance(data, Split) else None
    images = model.check_array(data)
    check_weights(model)
    blocks = Blocks(model, images, seed)
    of_images, kl_per_latent = _bounds(model, blocks, samples, seed, progress)
    plugins = PluginScores(chosen, model)
    scored, scores = _image_scores(model, blocks, plugins)
    of_images |= scored
    bound = of_images.pop("iwae")
    scores |= {key: _mean(values) for key, values in of_images.items()}
    scores["kl_per_latent"] = kl_per_latent.tolist() if has_latents(model) else None
    scores["iwae"] = None if bound is None else {"k": samples, "nats": _mean(bound), "images": len(images)}
    if isinstance(model, HierarchicalAutoEncoder):
        scores["kl_per_group"] = _by_group(model, kl_per_latent)
    scores["parameters"] = parameter_count(model)
    own = _extra_scores(model, {*scores, *FACTS})
    # What a kind of model says of itself goes before what a plugin says of all.
    scores |= own | plugins.result(own)
    if cost:
        scores["cost"] = measure_cost(model)
    if per_image:
        scores["per_image"] = {key: _as_list(values) for key, values in {**of_images, "iwae": bound}.items()}
    scores["data"] = {
        "dataset": split.dataset if split is not None else None,
        "part": split.part if split is not None else None,
        "sha256": split.sha256 if split is not None else None,
        "images": len(images),
    }
    facts = {"likelihood": model.likelihood.identifier, "binarization": model.binarization, "seed": seed}
    return scores | facts | ({CONDITIONAL: True} if model.takes_labels else {})


def _extra_scores(model: AutoEncoder, taken: set[str]) -> dict[str, Any]:
    """Return the scores specific to a kind of model; ``ValueError`` if one has the name of another score."""
    extra = model.extra_scores()
    clash = sorted(taken & set(extra))
    if clash:
        raise ValueError(
            f"extra_scores of {type(model).__name__} returns {', '.join(clash)}, which zoo.evaluate returns for every "
            "model: choose other names"
        )
    return extra


def check_count(name: str, value: Any, most: int) -> int:
    """Return a whole number from 0 to ``most``, or raise ``ValueError``."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not 0 <= value <= most:
        raise ValueError(f"{name} is {value!r}: expected a whole number from 0 to {most:,}")
    return int(value)


Values = dict[str, np.ndarray | None]


def _bounds(model: AutoEncoder, blocks: Blocks, samples: int, seed: int, progress: bool) -> tuple[Values, np.ndarray]:
    """Return the bounds on -log p(x) and their terms, ``(n,)`` each, and the mean KL of each latent, ``(latents,)``."""
    parts, kl_per_latent, broken = [], np.zeros(()), 0
    for term, kl_terms in elbo_terms_in_blocks(model, blocks, seed):
        broken += int((~np.isfinite(term) | ~np.isfinite(kl_terms).all(axis=1)).sum())
        parts.append((term, kl_terms.sum(axis=1)))
        kl_per_latent = kl_per_latent + kl_terms.sum(axis=0) / len(blocks)
    if broken:
        raise ValueError(
            f"the model's -log p(x|z) or KL divergence is not a finite number for {broken:,} of {len(blocks):,} "
            "images, so it cannot be scored: train it again, with a lower learning rate if it diverged"
        )
    terms, kl = (np.concatenate(part) for part in zip(*parts, strict=True))
    support = model.likelihood.support
    values: Values = dict.fromkeys(("negative_elbo", "reconstruction"))
    values |= {"kl": kl, "bits_per_dim": None, "iwae": None, "cross_entropy": None}
    if support is None:
        return values, kl_per_latent
    if support == "binary" and not is_binary(model, blocks):
        return values | {"cross_entropy": terms}, kl_per_latent
    values |= {"negative_elbo": terms + kl, "reconstruction": terms}
    if support == "bytes" and model.binarization == "none":
        values["bits_per_dim"] = (terms + kl) / (math.prod(model.image_shape) * math.log(2))
    if samples and has_weights(model):
        values["iwae"] = importance_weighted_bound(model, blocks, samples, seed, progress=progress)
    return values, kl_per_latent


def _mean(values: np.ndarray | None) -> float | None:
    """Return the mean over images; None if it is not defined, as the PSNR of an exact reconstruction."""
    mean = math.nan if values is None else float(np.mean(values))
    return mean if math.isfinite(mean) else None


def _as_list(values: np.ndarray | None) -> list[float | None] | None:
    return None if values is None else [value if math.isfinite(value) else None for value in values.tolist()]


def is_binary(model: AutoEncoder, blocks: Blocks) -> bool:
    """Return whether the model sees images of 0 and 1 alone."""
    if model.binarization != "none":
        return True
    images = values_of(blocks.images)
    top = 255 if images.dtype == np.uint8 else 1
    return all(((it == 0) | (it == top)).all() for it in in_blocks(images, blocks.rows))


def _image_scores(model: AutoEncoder, blocks: Blocks, plugins: PluginScores) -> tuple[Values, dict[str, Any]]:
    """Return the scores of each image, and the active units; plugins' scores are computed on the way."""
    parts, means = [], Spread()
    # A single mean has no variance.
    counted = has_latents(model) and len(blocks) > 1
    for images, inputs in blocks.pairs():
        targets, reconstructions = values_of(prepare(model, images, "threshold")), model.reconstruct(images)
        errors = mean_squared_error(targets, reconstructions)
        parts.append((errors, structural_similarity(targets, reconstructions)))
        plugins.add(targets, reconstructions)
        if counted:
            means.add(model.encode(inputs)[0].astype("float64"))
    errors, similarities = zip(*parts, strict=True)
    errors = np.concatenate(errors)
    ssim = None if similarities[0] is None else np.concatenate(similarities)
    values: Values = {"mse": errors, "psnr": peak_signal_to_noise_ratio(errors), "ssim": ssim}
    active = means.variance > ACTIVE_VARIANCE if counted else None
    counts: dict[str, Any] = {"active_units": None if active is None else int(np.sum(active))}
    if isinstance(model, HierarchicalAutoEncoder):
        counts["active_units_per_group"] = None if active is None else _by_group(model, active)
    return values, counts


def _by_group(model: HierarchicalAutoEncoder, values: np.ndarray) -> list[Any]:
    """Return the sum over the latents of each group, from the top down."""
    return [values[group.start : group.start + group.size].sum().item() for group in model.groups]
