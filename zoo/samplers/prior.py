"""The prior as a sampler: what ``model.sample`` draws from, to compare the others with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from zoo.autoencoder.model import AutoEncoder
from zoo.samplers.draws import PosteriorDraws
from zoo.samplers.sampler import Arrays, Facts, Sampler, Settings, check_arrays


class Prior(Sampler):
    """The model's own prior; nothing is fitted. Equal seeds give the images of ``model.sample``."""

    name = "prior"

    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Return latents as ``model.draw_prior`` draws them."""
        return self.model.draw_prior(n, generator)

    @property
    def arrays(self) -> Arrays:
        """None."""
        return {}

    @classmethod
    def learn(cls, model: AutoEncoder, draws: PosteriorDraws, settings: Settings) -> tuple[Mapping[str, Any], Arrays]:
        """Return nothing: it is given."""
        return {}, {}

    @classmethod
    def restore(cls, model: AutoEncoder, facts: Facts, arrays: Arrays) -> Self:
        """Return the prior; see ``Sampler``."""
        check_arrays(arrays, {})
        return cls(model, facts)
