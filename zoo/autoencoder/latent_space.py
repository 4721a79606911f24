"""The model itself: an encoder, a decoder and a likelihood, and operations on its latent space."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from zoo import likelihoods
from zoo.autoencoder.binarization import batch_thresholds, binarize
from zoo.autoencoder.parts import POSTERIORS, check_pair
from zoo.autoencoder.prediction import DecodePass, EncodePass, predict_in_batches, traced
from zoo.data.checks import check_images
from zoo.likelihoods.likelihood import Likelihood, to_unit_interval
from zoo.registry.recipe import BINARIZATIONS
from zoo.typing import Tensor


class LatentModel(keras.Model):
    """An encoder, a decoder and a likelihood; see ``AutoEncoder`` for the arguments.

    Methods that take and return NumPy arrays are deterministic, except ``sample`` without a seed.
    """

    posterior: ClassVar[str] = "gaussian"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check the kind of posterior that a subclass declares."""
        super().__init_subclass__(**kwargs)
        if cls.posterior not in POSTERIORS:
            raise TypeError(f"{cls.__name__}.posterior is {cls.posterior!r}: expected one of {', '.join(POSTERIORS)}")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        likelihood: Any = "bernoulli",
        binarization: str = "none",
        *,
        seed: int | None = None,
        provenance: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        # autocast would round images to half precision before the likelihood sees them.
        super().__init__(autocast=False, **kwargs)
        if binarization not in BINARIZATIONS:
            raise ValueError(f"binarization is {binarization!r}: expected one of {', '.join(BINARIZATIONS)}")
        self.image_shape, self.latent_shape = check_pair(encoder, decoder, self.posterior)
        self.encoder = encoder
        self.decoder = decoder
        self.own_likelihood = self.check_likelihood(likelihoods.get(likelihood))
        self.likelihood = self.own_likelihood
        self.binarization = binarization
        self.seed = seed
        self.provenance = provenance
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    @functools.cached_property
    def traced_passes(self) -> dict[Any, tuple[Any, Any]]:
        """Compiled passes that ``zoo.autoencoder.prediction.traced`` keeps."""
        return {}

    def check_likelihood(self, likelihood: Likelihood) -> Likelihood:
        """Return the likelihood, or raise ``ValueError`` unless the decoder outputs the channels that it needs."""
        height, width, channels = self.image_shape
        needed = (height, width, likelihood.output_channels(channels))
        got = tuple(self.decoder.output_shape[1:])
        if got != needed:
            raise ValueError(
                f"the decoder outputs {got}; {likelihood.identifier} of images {self.image_shape} needs {needed}: "
                f"build it with build_decoder({self.latent_shape}, {needed})"
            )
        return likelihood

    def prepare(self, images: Tensor, *, draw: str = "threshold") -> Tensor:
        """Return images as the encoder and the likelihood take them: float32 in [0, 1], binarised if the model does so.

        Args:
            images: ``(batch, H, W, C)``, uint8 in 0..255 or float in [0, 1].
            draw: how ``dynamic`` binarises: with ``new`` draws; with ``fixed`` draws, the same in every evaluation (a
                NumPy array is treated as an entire set of images, a tensor as a batch of one); or by a ``threshold`` at
                one half.

        Returns:
            float32 of the same shape.
        """
        if isinstance(images, np.ndarray) and self.binarization == "dynamic" and draw == "fixed":
            return ops.convert_to_tensor(binarize(images, self.seed or 0))
        images = to_unit_interval(images)
        if self.binarization == "none":
            return images
        if self.binarization == "threshold" or draw == "threshold":
            return ops.cast(images >= 0.5, "float32")
        if draw == "new":
            thresholds = keras.random.uniform(ops.shape(images), seed=self.seed_generator)
        else:
            thresholds = batch_thresholds(images, self.seed or 0)
        return ops.cast(thresholds < images, "float32")

    def posterior_parameters(self, images: Tensor, *, training: bool = False) -> tuple[Tensor, Tensor]:
        """Return the mean and standard deviation of q(z|x), float32.

        Args:
            images: as ``prepare`` returns them.
            training: whether layers such as batch normalisation are training.

        Returns:
            ``(mean, std)``, each ``(batch, *latent_shape)``; std is zero where the posterior is a point.
        """
        outputs = self.encoder(images, training=training)
        if self.posterior == "point":
            z = ops.cast(outputs, "float32")
            return z, ops.zeros_like(z)
        mean, std = outputs
        return ops.cast(mean, "float32"), ops.cast(std, "float32")

    def mean_image(self, images: Tensor, *, training: bool = False) -> Tensor:
        """Return the mean image in [0, 1] through the posterior mean, as a tensor; see ``reconstruct``."""
        mean, _ = self.posterior_parameters(self.prepare(images), training=training)
        return self.likelihood.mean(self.decoder(mean, training=training))

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Return the mean image in [0, 1] through the posterior mean."""
        return self.mean_image(images, training=training)

    def reconstruct(self, images: Any) -> np.ndarray:
        """Return the mean image through the posterior mean.

        Args:
            images: ``(batch, height, width, channels)``, uint8 in 0..255 or float in [0, 1].

        Returns:
            ``(batch, height, width, channels)``, float32 in [0, 1].

        Raises:
            ValueError: the images are not as described above.
        """
        return self.decode(self.encode(images)[0])

    def encode(self, images: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and standard deviation of the posterior.

        Args:
            images: as in ``reconstruct``.

        Returns:
            ``(mean, std)``, each ``(batch, *latent_shape)``, float32; std is zero where the posterior is a point.

        Raises:
            ValueError: the images are not as described above.
        """
        array = check_images(images, self.image_shape)
        mean, std = predict_in_batches(traced(self, EncodePass), array)
        return mean, std

    def decode(self, latents: Any) -> np.ndarray:
        """Return the mean image of p(x given z).

        Args:
            latents: z, ``(batch, *latent_shape)``.

        Returns:
            ``(batch, height, width, channels)``, float32 in [0, 1].

        Raises:
            ValueError: the latents have the wrong shape or are not finite.
        """
        images: np.ndarray = predict_in_batches(traced(self, DecodePass), self.check_latents(latents))
        return images

    def check_latents(self, latents: Any) -> np.ndarray:
        """Return z as float32, or raise ``ValueError`` unless it is finite, ``(batch, *latent_shape)``."""
        array = np.asarray(latents, "float32")
        if array.shape[1:] != self.latent_shape or not len(array):
            shown = f"(batch, {', '.join(map(str, self.latent_shape))})"
            raise ValueError(f"latents: got shape {array.shape}; expected {shown}")
        if not np.isfinite(array).all():
            raise ValueError("latents: got values that are NaN or infinite; expected finite ones")
        return array

    def sample(self, n: int, seed: int | None = None) -> np.ndarray:
        """Draw z from the prior and return the mean images.

        Args:
            n: the number of images.
            seed: makes the draw reproducible.

        Returns:
            ``(n, height, width, channels)``, float32 in [0, 1].
        """
        if not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"n is {n!r}: expected a whole number of at least 1")
        return self.decode(self.draw_prior(int(n), np.random.default_rng(seed)))

    def draw_prior(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Draw z from the prior, here the unit Gaussian; a subclass with another prior overrides it.

        Args:
            n: the number of draws, >= 1.
            generator: the only source of randomness to use, such as ``generator.integers``, so that ``sample`` with a
                seed returns the same images each time.

        Returns:
            What ``decode`` takes: numbers of shape ``(n, *latent_shape)``, finite.
        """
        return generator.standard_normal((n, *self.latent_shape))

    def interpolate(self, a: Any, b: Any, steps: int = 8) -> np.ndarray:
        """Interpolate between images on a straight line between their posterior means.

        Args:
            a: an image ``(height, width, channels)`` or a batch of them.
            b: the same shape as ``a``.
            steps: the number of images, including both ends; at least 2.

        Returns:
            ``(steps, height, width, channels)``, with a leading batch axis if ``a`` has one; float32 in [0, 1].
        """
        if not isinstance(steps, int | np.integer) or steps < 2:
            raise ValueError(f"steps is {steps!r}: expected a whole number of at least 2")
        first, last = np.asarray(a), np.asarray(b)
        single = first.ndim == 3
        if first.shape != last.shape:
            raise ValueError(f"a and b: got shapes {first.shape} and {last.shape}; expected equal ones")
        if single:
            first, last = first[None], last[None]
        start, end = self.encode(first)[0], self.encode(last)[0]
        weight = np.linspace(0.0, 1.0, steps).reshape(1, steps, *(1,) * len(self.latent_shape))
        path = start[:, None] * (1 - weight) + end[:, None] * weight
        images = self.decode(path.reshape(-1, *self.latent_shape))
        images = images.reshape(len(first), steps, *images.shape[1:])
        return images[0] if single else images
