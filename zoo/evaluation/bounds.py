"""Bounds on -log p(x), image by image, compiled and in batches."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops
from scipy.special import logsumexp

from zoo.autoencoder.checks.activations import largest_batch
from zoo.autoencoder.checks.labels import Inputs, as_given
from zoo.autoencoder.draws import set_seed
from zoo.autoencoder.model import AutoEncoder
from zoo.autoencoder.prediction import Pass, predict_in_batches, traced
from zoo.evaluation.blocks import Blocks, prepare
from zoo.progress import show_progress
from zoo.typing import Tensor

# Rows per call of the decoder: enough for fast matrix products, few enough to stay in the cache.
ROWS = 500
# Most values that the decoder computes at once: 200 MB.
VALUES = 50_000_000


class _Terms(Pass):
    """The terms of the bound as a model, for Keras' compiled loop over batches; by latent if the model can."""

    def __init__(self, model: AutoEncoder) -> None:
        super().__init__(model, "elbo_terms")

    def call(self, images: Tensor) -> tuple[Tensor, Tensor]:
        of_model = self.model.latent_terms if has_latents(self.model) else self.model.elbo_terms
        terms: tuple[Tensor, Tensor] = of_model(images)
        return terms


class _LogWeights(Pass):
    """The given number of log importance weights for each image, ``(batch, samples)``."""

    def __init__(self, model: AutoEncoder, samples: int) -> None:
        super().__init__(model, "log_weights")
        self.samples = samples

    def call(self, inputs: tuple[Any, ...]) -> Tensor:
        images, *posterior = inputs
        if posterior:
            log_likelihood, log_ratio, _ = self.model.importance_terms(images, self.samples, posterior=posterior)
            return ops.transpose(log_likelihood + log_ratio)
        return ops.transpose(self.model.log_weights(images, self.samples, self.model.seed_generator))


def has_latents(model: AutoEncoder) -> bool:
    """Return whether the posterior is Gaussian: a subclass with another one overrides the terms of the bound."""
    return not _has_own(model, "elbo_terms")


def has_weights(model: AutoEncoder) -> bool:
    """Return whether the model has importance weights: if it overrides the terms, it must override the weights too."""
    return _has_own(model, "log_weights", "importance_terms") or not _has_own(model, "elbo_terms", "latent_terms")


def _has_own(model: AutoEncoder, *methods: str) -> bool:
    return any(getattr(type(model), name) is not getattr(AutoEncoder, name) for name in methods)


@contextlib.contextmanager
def seeded_draws(model: AutoEncoder, seed: int) -> Iterator[None]:
    """Let the model draw z from a seed, and restore its own state afterwards."""
    state = model.seed_generator.state
    before = ops.convert_to_numpy(state)
    set_seed(model.seed_generator, seed)
    try:
        yield
    finally:
        state.assign(before)


def elbo_terms(model: AutoEncoder, images: Inputs, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(reconstruction, kl)`` of each image with one z each, nats, float64.

    Returns:
        ``(n,)`` and ``(n, latents)``, the KL divergence of each latent; for a model whose latent is not Gaussian,
        ``(n, 1)``, their sum.
    """
    parts = list(elbo_terms_in_blocks(model, Blocks(model, images, seed), seed))
    reconstruction, kl = (np.concatenate(part) for part in zip(*parts, strict=True))
    return reconstruction, kl


def elbo_terms_in_blocks(model: AutoEncoder, blocks: Blocks, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the results of ``elbo_terms`` for some images after the other; meanwhile nothing else may be drawn."""
    terms = traced(model, _Terms)
    with seeded_draws(model, seed):
        for inputs in blocks.inputs():
            reconstruction, kl = predict_in_batches(terms, inputs, len(blocks))
            yield reconstruction.astype("float64"), kl.astype("float64").reshape(len(inputs), -1)


def importance_weighted_bound(
    model: AutoEncoder, images: Inputs | Blocks, samples: int, seed: int, *, progress: bool = False
) -> np.ndarray:
    """Return the importance-weighted bound on -log p(x) of each image, nats, ``(n,)`` float64.

    -log (1/k sum of p(x, z) / q(z|x)) over k draws of z from q(z|x) (Burda et al. 2016, equation 8). Each image is
    encoded once; the draws come in chunks whose weights are summed as they come, so memory does not grow with k.

    Args:
        model: the model.
        images: ``(n, H, W, C)``; or blocks of them.
        samples: k.
        seed: seed of the draws.
        progress: show progress on stderr.
    """
    blocks = images if isinstance(images, Blocks) else Blocks(model, images, seed)
    count = len(blocks)
    rows = max(1, min(ROWS, VALUES // math.prod(model.decoder.output_shape[1:])))
    rows = largest_batch(model, rows)
    chunks = -(-samples // rows)
    chunk = -(-samples // chunks)
    batch = min(count, max(1, rows // chunk))
    # Use separate draws: those of the evidence lower bound start from the seed itself.
    seed = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
    scorer = traced(model, _LogWeights, chunk)
    totals = []
    with seeded_draws(model, seed), show_progress(f"importance weights, k = {samples:,}", count, progress) as advance:
        for block in blocks.inputs(max(1, blocks.rows // batch) * batch):
            inputs = _prepare(model, block)
            for start in range(0, len(block), batch):
                # Pad the last batch, since every new shape is compiled again.
                shown = np.minimum(np.arange(start, start + batch), len(block) - 1)
                given = tuple(as_given(part[shown]) for part in inputs)
                total = np.full(batch, -np.inf)
                for done in range(0, samples, chunk):
                    weights = scorer.run(given)[:, : samples - done]
                    total = np.logaddexp(total, logsumexp(weights.astype("float64"), axis=1))
                    advance(min(batch, len(block) - start) * min(chunk, samples - done) / samples)
                totals.append(total[: len(block) - start])
    bounds: np.ndarray = np.log(samples) - np.concatenate(totals)
    return bounds


def _prepare(model: AutoEncoder, images: Inputs) -> list[Any]:
    """Return what the weights are computed of: the images, and their posterior unless the model has its own weights."""
    if type(model).log_weights is not AutoEncoder.log_weights:
        return [images]
    prepared = prepare(model, images)
    return [prepared, *model.encode(prepared)]
