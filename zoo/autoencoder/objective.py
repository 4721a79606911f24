"""Bounds on the evidence log p(x), their terms, and the objective that is optimised."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.autoencoder.latent_space import LatentModel
from zoo.likelihoods import Likelihood
from zoo.typing import Tensor


class EvidenceModel(LatentModel):
    """A latent model with the evidence lower bound and the importance-weighted bound of a Gaussian posterior."""

    def _check_gaussian(self, terms: str) -> None:
        if self.posterior != "gaussian":
            name = type(self).__name__
            raise TypeError(f"{name} has a {self.posterior} posterior: it must define {terms}")

    def latent_terms(self, images: Tensor, *, z: Tensor | None = None, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return the terms of ``elbo_terms`` with the KL of each latent, ``(batch, *latent_shape)``, nats."""
        self._check_gaussian("elbo_terms and latent_terms")
        images = self.prepare(images, draw="new" if training else "fixed")
        mean, std = self.posterior_parameters(images, training=training)
        if z is None:
            z = mean + std * keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        parameters = self.decoder(self.decoder_inputs(ops.cast(z, "float32"), images), training=training)
        return -self.likelihood.log_prob(self.pixels_of(images), parameters), kl_divergence(mean, std)

    def elbo_terms(self, images: Tensor, *, z: Tensor | None = None, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return the two terms of the negative evidence lower bound.

        Args:
            images: ``(batch, H, W, C)``, uint8 in 0..255 or float in [0, 1].
            z: ``(batch, *latent_shape)``; None draws it from the posterior.
            training: whether layers such as batch normalisation are training.

        Returns:
            ``(reconstruction, kl)``, each ``(batch,)``, nats per image: -log p(x|z) summed over pixels and channels,
            and KL(q(z|x) || N(0, I)) = sum of (mean^2 + std^2 - 1) / 2 - log std over latents (Kingma and Welling
            2014, appendix B).
        """
        reconstruction, kl = self.latent_terms(images, z=z, training=training)
        return reconstruction, sum_from(kl, 1)

    def importance_terms(
        self, images: Tensor, samples: int, *, posterior: Any = None, seed: Any = None, training: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the terms of the importance weights of z drawn from the posterior.

        Args:
            images: ``(batch, H, W, C)``, uint8 in 0..255 or float in [0, 1].
            samples: the number of z for each image.
            posterior: ``(mean, std)`` of these images, each ``(batch, *latent_shape)``; None encodes them.
            seed: an int or a ``keras.random.SeedGenerator``; None uses the model's generator.
            training: whether layers such as batch normalisation are training.

        Returns:
            log p(x|z) and log p(z) - log q(z|x), each ``(samples, batch)``, and KL(q(z|x) || N(0, I)), ``(batch,)``;
            nats.
        """
        self._check_gaussian("importance_terms")
        images = self.prepare(images, draw="new" if training else "fixed")
        mean, std = self.posterior_parameters(images, training=training) if posterior is None else posterior
        noise = keras.random.normal((samples, *ops.shape(mean)), seed=self.seed_generator if seed is None else seed)
        z = mean + std * noise
        repeated = repeat(images, samples)
        flat = ops.reshape(z, (-1, *self.latent_shape))
        parameters = self.decoder(self.decoder_inputs(flat, repeated), training=training)
        log_likelihood = self.likelihood.log_prob(self.pixels_of(repeated), parameters)
        # The two Gaussians' constants cancel.
        log_ratio = 0.5 * (ops.square(noise) - ops.square(z)) + ops.log(std)
        kl = kl_divergence(mean, std)
        return ops.reshape(log_likelihood, (samples, -1)), sum_from(log_ratio, 2), sum_from(kl, 1)

    def log_weights(self, images: Tensor, samples: int, seed: Any = None) -> Tensor:
        """Return log p(x, z) - log q(z|x) for z drawn from the posterior (Burda et al. 2016, equation 8).

        Args:
            images: ``(batch, H, W, C)``, uint8 in 0..255 or float in [0, 1].
            samples: the number of z for each image.
            seed: an int or a ``keras.random.SeedGenerator``; None uses the model's generator.

        Returns:
            ``(samples, batch)``, nats.
        """
        log_likelihood, log_ratio, _ = self.importance_terms(images, samples, seed=seed)
        return log_likelihood + log_ratio

    def check_objective(self, free_bits: float, importance_samples: int) -> None:
        """Raise ``ValueError`` for an objective whose terms the model does not define."""
        if type(self).elbo_terms is EvidenceModel.elbo_terms:
            if self.posterior != "gaussian" and type(self).latent_terms is EvidenceModel.latent_terms:
                raise ValueError(f"{type(self).__name__} has a {self.posterior} posterior: it must define elbo_terms")
            return
        for wanted, option, terms in (
            (free_bits, f"free_bits is {free_bits!r}", "latent_terms"),
            (importance_samples > 1, f"importance_samples is {importance_samples}", "importance_terms"),
        ):
            if wanted and getattr(type(self), terms) is getattr(EvidenceModel, terms):
                name = type(self).__name__
                raise ValueError(f"{option}, but {name} overrides elbo_terms: it must then also define {terms}")

    def objective(
        self, images: Tensor, *, kl_weight: Any, free_bits: float, importance_samples: int, training: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the objective and the terms logged with it.

        Args:
            images: ``(batch, H, W, C)``, uint8 in 0..255 or float in [0, 1].
            kl_weight: the weight of the KL divergence, or of log p(z) - log q(z|x) for every sample.
            free_bits: nats that each latent's KL divergence, averaged over the batch, may have for free.
            importance_samples: k of the importance-weighted bound; 1 is the evidence lower bound.
            training: whether layers such as batch normalisation are training.

        Returns:
            The objective, -log p(x|z) and KL(q(z|x) || N(0, I)), each ``(batch,)``, nats per image.
        """
        if importance_samples > 1:
            log_likelihood, log_ratio, kl = self.importance_terms(images, importance_samples, training=training)
            bound = ops.logsumexp(log_likelihood + kl_weight * log_ratio, axis=0) - math.log(importance_samples)
            return -bound, -ops.mean(log_likelihood, axis=0), kl
        if not free_bits:
            reconstruction, kl = self.elbo_terms(images, training=training)
            return reconstruction + kl_weight * kl, reconstruction, kl
        reconstruction, kl = self.latent_terms(images, training=training)
        charged = ops.sum(ops.maximum(ops.mean(kl, axis=0), free_bits))
        return reconstruction + kl_weight * charged, reconstruction, sum_from(kl, 1)

    def extra_scores(self) -> dict[str, float | None]:
        """Return additional scores specific to this kind of model; none here.

        Returns:
            The scores by name; None for a score that is not defined. ``zoo.evaluate`` adds them to its own. Names are
            printed with spaces instead of underscores; a name ending in ``_nats``, ``_bits`` or ``_db`` has that unit.
        """
        return {}


def check_samples_of(likelihood: Likelihood, importance_samples: int) -> None:
    """Raise ``ValueError`` if importance weights are combined with a plain loss."""
    if importance_samples > 1 and likelihood.support is None:
        raise ValueError(
            f"importance_samples is {importance_samples} with the loss {likelihood.identifier}, which is not a "
            "likelihood: expected 1, or a likelihood"
        )


def repeat(images: Any, times: int) -> Any:
    """Return a batch of images, and of what comes with them, several times over."""
    return keras.tree.map_structure(lambda it: ops.tile(it, (times, *(1,) * (len(it.shape) - 1))), images)


def kl_divergence(mean: Tensor, std: Tensor) -> Tensor:
    """Return KL(N(mean, std^2) || N(0, 1)) of each value, nats."""
    return 0.5 * (ops.square(mean) + ops.square(std) - 1.0) - ops.log(std)


def sum_from(values: Tensor, axis: int) -> Tensor:
    """Return the sum over an axis and all after it."""
    return ops.sum(values, axis=tuple(range(axis, len(values.shape))))
