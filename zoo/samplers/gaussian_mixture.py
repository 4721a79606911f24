"""A mixture of Gaussians as a sampler."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from zoo.autoencoder.model import AutoEncoder
from zoo.errors import BackendError
from zoo.samplers.draws import PosteriorDraws
from zoo.samplers.sampler import Array, Arrays, Facts, Sampler, Settings, check_arrays, option

COMPONENTS, MOST_COMPONENTS = 10, 1000
_LARGEST = 2**27  # Values of the covariances.


class GaussianMixture(Sampler):
    """A mixture of Gaussians with full covariances, fitted by expectation maximisation (Ghosh et al. 2020, section 4).

    Args:
        model: the model.
        facts: what it was fitted to.
        shares: of the components, ``(k,)``.
        means: theirs, ``(k, latents)``.
        factors: the lower Cholesky factors of their covariances, ``(k, latents, latents)``.
    """

    name = "gaussian_mixture"
    takes_number = True

    def __init__(self, model: AutoEncoder, facts: Facts, shares: Array, means: Array, factors: Array) -> None:
        super().__init__(model, facts)
        self.shares, self.means, self.factors = shares, means, factors

    @property
    def title(self) -> str:
        """The name, with the number of components."""
        return f"{self.name}:{len(self.shares)}"

    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Return latents, ``(n, latents)``."""
        chosen = generator.choice(len(self.shares), size=n, p=self.shares)
        noise = generator.standard_normal((n, self.means.shape[1]))
        latents = self.means[chosen]
        for component in np.unique(chosen):
            rows = chosen == component
            latents[rows] += noise[rows] @ self.factors[component].T
        return latents

    def log_prob(self, latents: Any) -> Array:
        """Return the log density of latents ``(n, *latent_shape)``: ``(n,)``, nats."""
        z = self.model.check_latents(latents).reshape(len(latents), -1).astype(np.float64)
        terms = []
        for share, mean, factor in zip(self.shares, self.means, self.factors, strict=True):
            noise = solve_triangular(factor, (z - mean).T, lower=True)
            constant = np.log(np.diag(factor)).sum() + 0.5 * len(mean) * math.log(2.0 * math.pi)
            terms.append(-0.5 * np.square(noise).sum(axis=0) - constant + np.log(max(share, np.finfo(float).tiny)))
        found: Array = logsumexp(terms, axis=0)
        return found

    @property
    def arrays(self) -> Arrays:
        """Shares, means and factors."""
        return {"shares": self.shares, "means": self.means, "factors": self.factors}

    @classmethod
    def learn(cls, model: AutoEncoder, draws: PosteriorDraws, settings: Settings) -> tuple[Mapping[str, Any], Arrays]:
        """Fit by scikit-learn to one draw for each image; see ``Sampler``.

        Raises:
            BackendError: scikit-learn is not installed.
            ValueError: the number of components is out of range, or there are fewer images.
        """
        try:
            from sklearn.mixture import GaussianMixture as Mixture
        except ImportError:
            raise BackendError(f"{cls.name} needs scikit-learn: pip install 'autoencoder-zoo[samplers]'") from None
        count = COMPONENTS if settings.number is None else settings.number
        if not 1 <= count <= min(MOST_COMPONENTS, len(draws)):
            raise ValueError(
                f"{cls.name}:{count} with {len(draws):,} images: expected from 1 to {MOST_COMPONENTS:,} components, "
                "and no more than there are images"
            )
        latents = draws.mean.shape[1]
        if count * latents**2 > _LARGEST:
            raise ValueError(
                f"{cls.name}:{count} of {latents:,} latents has covariances of {count * latents**2:,} values: expected "
                f"at most {_LARGEST:,}: choose fewer components, or another sampler"
            )
        drawn = draws.draw(np.random.default_rng(settings.seed))
        # Standardised, so that the share of the unit matrix that is added to covariances is small beside every latent.
        fitted = Mixture(count, random_state=settings.seed, max_iter=200).fit((drawn - draws.shift) / draws.scale)
        return {"components": count}, {
            "shares": fitted.weights_,
            "means": fitted.means_ * draws.scale + draws.shift,
            "factors": np.linalg.cholesky(fitted.covariances_) * draws.scale[:, None],
        }

    @classmethod
    def restore(cls, model: AutoEncoder, facts: Facts, arrays: Arrays) -> Self:
        """Return the mixture; see ``Sampler``."""
        count, latents = option(facts, "components", MOST_COMPONENTS), math.prod(model.latent_shape)
        shapes = {"shares": (count,), "means": (count, latents), "factors": (count, latents, latents)}
        found = check_arrays(arrays, shapes)
        shares, factors = found["shares"], np.tril(found["factors"])
        if (shares < 0).any() or not math.isclose(shares.sum(), 1.0, abs_tol=1e-6):
            raise ValueError("'shares' are no probabilities")
        if (np.diagonal(factors, axis1=1, axis2=2) <= 0).any():
            raise ValueError("'factors' has a diagonal that is not positive")
        return cls(model, facts, shares / shares.sum(), found["means"], factors)
