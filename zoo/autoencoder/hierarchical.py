"""Models whose latents are drawn one group after the other, each group given those before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from zoo.autoencoder.internals import all_layers
from zoo.autoencoder.model import AutoEncoder
from zoo.autoencoder.objective import kl_divergence, sum_from
from zoo.autoencoder.replicas import fill_empty
from zoo.layers.latent_group import LatentGroup, PosteriorPath, following
from zoo.typing import Tensor


@dataclass(frozen=True)
class Pass:
    """What one pass of the posterior through the decoder gives, float32.

    Attributes:
        mean: of q(e_i | x, e_<i), ``(batch, n)``.
        std: its standard deviation, likewise.
        latents: e, likewise.
        parameters: the decoder's output.
    """

    mean: Tensor
    std: Tensor
    latents: Tensor
    parameters: Tensor


@keras.saving.register_keras_serializable(package="zoo")
class HierarchicalAutoEncoder(AutoEncoder):
    """An autoencoder with groups of latents on one path from the top down, which prior and posterior share.

    All latents e are written as noise: the prior of each is N(0, 1), and the decoder is a function of the flat vector
    e alone, which may scale and shift each latent by what it has made of those before (Kingma et al. 2016; Vahdat and
    Kautz 2020; Child 2021, whose latents z = mu(e_<i) + sigma(e_<i) * e_i they are). The posterior
    q(e|x) = prod q(e_i | x, e_<i) is a diagonal Gaussian for each group given those before. So KL(q || p) of a group
    is the usual formula at the e that were drawn before it, an unbiased estimate, and importance weights are joint
    over all groups.

    ``encode`` returns mean and standard deviation along the path on which each group takes its mean.

    Args:
        encoder: images to one tensor of features, or a list of them: ``(batch, ..., channels)``.
        decoder: the flat vector e ``(batch, n)`` to the likelihood's raw parameters. Its ``zoo.layers.LatentGroup``
            layers cut it into groups, and name the features that they use; nothing else reads it.
        *args: further arguments of ``AutoEncoder``.
        **kwargs: further keyword arguments of ``AutoEncoder``.

    Raises:
        ValueError: the groups do not cover the latent, or use features that the encoder does not output.
    """

    posterior = "hierarchical"

    def __init__(self, encoder: keras.Model, decoder: keras.Model, *args: Any, **kwargs: Any) -> None:
        super().__init__(encoder, decoder, *args, **kwargs)
        check_groups(encoder, decoder)

    @property
    def groups(self) -> list[LatentGroup]:
        """The groups of latents, from the top down."""
        return find_groups(self.decoder)

    def inference_network(self) -> keras.Model:
        """Return a network from images, float32 in [0, 1], to the posterior's mean and standard deviation."""
        images = keras.Input(self.image_shape, name="images")
        return keras.Model(images, _Encode(self)(images), name="inference")

    def infer(
        self, images: Tensor, *, noise: Tensor | None = None, z: Tensor | None = None, training: bool = False
    ) -> Pass:
        """Follow the posterior through the decoder.

        Args:
            images: as ``prepare`` returns them.
            noise: ``(samples * batch, n)``, what each latent's deviation is multiplied by, all images' first samples
                first; zeros give the path of the means.
            z: ``(batch, n)`` instead: latents whose posterior is asked for; None for both draws noise.
            training: whether layers such as dropout are training.
        """
        features = keras.tree.flatten(self.encoder(images, training=training))
        if z is not None:
            flat = ops.cast(z, "float32")
        elif noise is None:
            flat = keras.random.normal((ops.shape(images)[0], *self.latent_shape), seed=self.seed_generator)
        else:
            flat = noise
            samples = ops.shape(noise)[0] // ops.shape(images)[0]
            features = [ops.tile(it, (samples, *(1,) * (len(it.shape) - 1))) for it in features]
        path = PosteriorPath(features, flat, given=z is not None)
        with following(path):
            parameters = self.decoder(flat, training=training)
        return Pass(*path.collect(), parameters)

    def posterior_parameters(self, images: Tensor, *, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation along the path of the means; see ``AutoEncoder``."""
        found = self._follow_means(images, training)
        return found.mean, found.std

    def mean_image(self, images: Tensor, *, training: bool = False) -> Tensor:
        """Return the mean image in [0, 1] along the path of the means, as a tensor."""
        count = ops.shape(images)[0]
        found = self._follow_means(self.prepare(fill_empty(images)), training)
        return self.likelihood.mean(found.parameters)[:count]

    def _follow_means(self, images: Tensor, training: bool) -> Pass:
        return self.infer(images, noise=ops.zeros((ops.shape(images)[0], *self.latent_shape)), training=training)

    def latent_terms(self, images: Tensor, *, z: Tensor | None = None, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return the terms of ``elbo_terms`` with the KL divergence of each latent given those before it, nats."""
        images = self.prepare(images, draw="new" if training else "fixed")
        found = self.infer(images, z=z, training=training)
        return -self.likelihood.log_prob(images, found.parameters), kl_divergence(found.mean, found.std)

    def importance_terms(
        self, images: Tensor, samples: int, *, posterior: Any = None, seed: Any = None, training: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the terms of the importance weights of e, all groups drawn together; see ``AutoEncoder``.

        Raises:
            ValueError: a posterior is given; here its parameters depend on the latents that are drawn.
        """
        if posterior is not None:
            raise ValueError("posterior is given: expected None, since each group's depends on the latents before it")
        images = self.prepare(images, draw="new" if training else "fixed")
        shape = (samples * ops.shape(images)[0], *self.latent_shape)
        noise = keras.random.normal(shape, seed=self.seed_generator if seed is None else seed)
        found = self.infer(images, noise=noise, training=training)
        log_likelihood = self.likelihood.log_prob(ops.tile(images, (samples, 1, 1, 1)), found.parameters)
        # The constants of the two Gaussians cancel.
        log_ratio = 0.5 * (ops.square(noise) - ops.square(found.latents)) + ops.log(found.std)
        kl = ops.mean(ops.reshape(sum_from(kl_divergence(found.mean, found.std), 1), (samples, -1)), axis=0)
        return ops.reshape(log_likelihood, (samples, -1)), ops.reshape(sum_from(log_ratio, 1), (samples, -1)), kl

    def log_weights(self, images: Tensor, samples: int, seed: Any = None) -> Tensor:
        """Return log p(x, e) - log q(e|x), ``(samples, batch)``, nats, with all groups of e drawn together."""
        log_likelihood, log_ratio, _ = self.importance_terms(images, samples, seed=seed)
        return log_likelihood + log_ratio


class _Encode(keras.layers.Layer):
    """A model's posterior as a layer, which a network can be made of."""

    def __init__(self, model: HierarchicalAutoEncoder) -> None:
        super().__init__(autocast=False, name="posterior")
        self.encoder, self.decoder = model.encoder, model.decoder
        self._follow = model.posterior_parameters
        self.built = True

    def call(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self._follow(images)


def find_groups(decoder: keras.Model) -> list[LatentGroup]:
    """Return the groups of latents of a decoder, from the top down."""
    return sorted(_all_groups(decoder), key=lambda group: group.start)


def _all_groups(decoder: keras.Model) -> Iterator[LatentGroup]:
    return (layer for layer in all_layers(decoder) if isinstance(layer, LatentGroup))


def check_groups(encoder: keras.Model, decoder: keras.Model) -> None:
    """Raise ``ValueError`` unless a decoder's groups are all of its latent, and their features the encoder's."""
    groups, latents = find_groups(decoder), decoder.input_shape[1:]
    ends = [0, *(group.start + group.size for group in groups)]
    if [group.start for group in groups] != ends[:-1] or tuple(latents) != (ends[-1],):
        spans = ", ".join(f"{group.start} to {group.start + group.size}" for group in groups) or "none"
        raise ValueError(
            f"the decoder takes latents of shape {tuple(latents)}, its LatentGroup layers the latents {spans}: "
            "expected a flat vector, each part of which is one group's"
        )
    features = [tuple(it.shape[1:]) for it in encoder.outputs]
    for group in groups:
        if group.source >= len(features) or features[group.source] != group.features_shape:
            raise ValueError(
                f"{group.name} uses features {group.source} of shape {group.features_shape}: the encoder outputs "
                f"{', '.join(map(str, features))}"
            )
