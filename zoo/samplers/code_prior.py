"""A learned prior over the codes of a quantised model as a sampler."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from zoo.autoencoder.model import AutoEncoder
from zoo.evaluation.blocks import Blocks
from zoo.evaluation.bounds import elbo_terms_in_blocks
from zoo.samplers.code_network import CodeNetwork, shapes
from zoo.samplers.code_training import CodeObjective
from zoo.samplers.draws import PosteriorDraws
from zoo.samplers.sampler import Array, Arrays, Facts, Settings, TrainedSampler, check_arrays, option
from zoo.samplers.training import BATCH

EPOCHS, EMBEDDING, WIDTH, BLOCKS = 20, 32, 64, 3
_MOST_UNITS, _MOST_BLOCKS = 65_536, 100


class CodePrior(TrainedSampler):
    """A prior over maps of codes: each code given those before it, row by row (van den Oord et al. 2016 and 2017).

    The probabilities come from a small network of masked convolutions. The model's own prior, by which all codes are
    equally likely, draws maps that no image has; this one draws images.

    Args:
        model: a quantised model.
        facts: what it was fitted to.
        arrays: those of a ``CodeNetwork``.
    """

    name = "code_prior"
    of_codes = True

    def __init__(self, model: AutoEncoder, facts: Facts, arrays: dict[str, Array]) -> None:
        super().__init__(model, facts, arrays)
        self._network = CodeNetwork(arrays, int(facts.options["blocks"]), map_size(model), count_stages(model))

    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Return the vectors of codes, ``(n, *latent_shape)``."""
        codes = self._network.draw(n, generator)
        vectors: np.ndarray = _quantised(self.model).code_vectors(codes.reshape(n, *self.model.latent_shape[:-1]))
        return vectors

    def log_prob(self, latents: Any) -> Array:
        """Return the log probability of the codes nearest to latents ``(n, *latent_shape)``: ``(n,)``, nats."""
        return self._network.log_prob(find_codes(self.model, self.model.check_latents(latents)))

    def score(self, images: Any, *, seed: int = 0) -> dict[str, float | None]:
        """Return what images cost with this prior in place of the uniform one, means over images.

        An image costs its codes by the prior, and itself given them: an upper bound on -log p(x), since other codes may
        give it too.

        Args:
            images: ``(n, H, W, C)``, uint8 in 0..255 or float in [0, 1]; or a ``zoo.Split``, at best that for testing.
            seed: of dynamic binarization.

        Returns:
            - ``negative_elbo``: -log p(codes) - log p(x|z), nats.
            - ``reconstruction``: its second term, nats, as in ``zoo.evaluate``.
            - ``code_rate_bits``: its first term, in bits.
            - ``uniform_rate_bits``: what the codes take with the uniform prior, positions times log2 of their number.
            - ``bits_per_dim``: negative_elbo in bits for each value, for likelihoods of 256 levels; else None.

        Raises:
            ValueError: images that the model does not accept, or a model without a likelihood.
        """
        model, support = self.model, self.model.likelihood.support
        if support is None:
            raise ValueError(f"{model.likelihood.identifier} is no likelihood: expected a model that has one")
        blocks = Blocks(model, model.check_array(images), seed)
        terms = np.concatenate([term for term, _ in elbo_terms_in_blocks(model, blocks, seed)])
        costs = np.concatenate([-self.log_prob(model.encode(inputs)[0]) for inputs in blocks.inputs()])
        nats, values = float((terms + costs).mean()), math.prod(model.image_shape)
        levels = support == "bytes" and model.binarization == "none"
        return {
            "negative_elbo": nats,
            "reconstruction": float(terms.mean()),
            "code_rate_bits": float(costs.mean()) / math.log(2.0),
            "uniform_rate_bits": math.prod(model.latent_shape[:-1]) * math.log2(_quantised(model).quantizer.codes),
            "bits_per_dim": nats / (values * math.log(2.0)) if levels else None,
        }

    @classmethod
    def learn(cls, model: AutoEncoder, draws: PosteriorDraws, settings: Settings) -> tuple[Mapping[str, Any], Arrays]:
        """Train the network on the codes of the images; see ``Sampler``."""
        latents = draws.mean.astype(np.float32).reshape(-1, *model.latent_shape)
        codes, epochs = find_codes(model, latents).astype(np.int32), settings.epochs or EPOCHS
        stages = count_stages(model)
        network = CodeObjective(_quantised(model).quantizer.codes, EMBEDDING, WIDTH, BLOCKS, settings.seed, stages)

        def batches(epoch: int) -> Iterator[np.ndarray]:
            order, size = np.random.default_rng([settings.seed, epoch]).permutation(len(codes)), min(BATCH, len(codes))
            for start in range(0, len(codes) - size + 1, size):
                yield codes[order[start : start + size]]

        network.train(batches, len(codes), epochs, settings.progress)
        return {"embedding": EMBEDDING, "width": WIDTH, "blocks": BLOCKS, "epochs": epochs}, network.arrays()

    @classmethod
    def restore(cls, model: AutoEncoder, facts: Facts, arrays: Arrays) -> Self:
        """Return the prior; see ``Sampler``."""
        embedding, width = (option(facts, name, _MOST_UNITS) for name in ("embedding", "width"))
        codes, blocks = int(_quantised(model).quantizer.codes), option(facts, "blocks", _MOST_BLOCKS)
        expected = shapes(codes, embedding, width, blocks, count_stages(model))
        return cls(model, facts, check_arrays(arrays, expected))


def count_stages(model: AutoEncoder) -> int:
    """Return how many codes there are at a place of a model's map, each from a codebook of its own."""
    return int(getattr(_quantised(model).quantizer, "quantizers", 1))


def map_size(model: AutoEncoder) -> tuple[int, int]:
    """Return height and width of a model's map of codes; what is no map is a row."""
    size = model.latent_shape[: -1 if count_stages(model) == 1 else -2]
    return (size[0], size[1]) if len(size) == 2 else (1, math.prod(size))


def find_codes(model: AutoEncoder, latents: np.ndarray) -> np.ndarray:
    """Return the codes nearest to latents ``(n, *latent_shape)`` as a map, ``(n, height, width, stages)``."""
    found: np.ndarray = _quantised(model).code_indices(latents)
    return found.astype(np.int64).reshape(len(latents), *map_size(model), count_stages(model))


def _quantised(model: AutoEncoder) -> Any:
    """Return the model, whose codes have been checked for by name: it need not be a subclass of one class."""
    return model
