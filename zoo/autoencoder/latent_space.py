"""Operations on a model's latent space, on NumPy arrays of any length."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoo.autoencoder.checks.inputs import check_data
from zoo.autoencoder.checks.labels import given_beside, is_held, refuse_labels
from zoo.autoencoder.checks.weights import check_weights
from zoo.autoencoder.pair import PairedModel
from zoo.autoencoder.prediction import DecodePass, EncodePass, run_pass
from zoo.data.memory import explain_shortage
from zoo.data.tensors import as_array


class LatentModel(PairedModel):
    """A model whose latent space can be used; all results are deterministic, except ``sample`` without a seed.

    Results are NaN, with a warning, if a weight is NaN or infinite.
    """

    def reconstruct(self, images: Any, labels: Any = None) -> np.ndarray:
        """Return the mean image through the posterior mean.

        Args:
            images: ``(batch, height, width, channels)``, uint8 in 0..255 or float in [0, 1]; or a ``zoo.Split``.
            labels: for a conditional model, ``(batch,)``, whole numbers from 0 to ``classes - 1``, or one for all;
                unless the images are a ``zoo.Split`` or ``(images, labels)``. Other models take none.

        Returns:
            ``(batch, height, width, channels)``, float32 in [0, 1].

        Raises:
            ValueError: images or labels are not as described above, or a weight of the encoder is NaN or infinite.
        """
        inputs = self.check_array(images, labels)
        return self.decode(self._finite_means(inputs), *given_beside(inputs))

    def encode(self, images: Any, labels: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and standard deviation of the posterior.

        Args:
            images: as in ``reconstruct``.
            labels: likewise.

        Returns:
            ``(mean, std)``, each ``(batch, *latent_shape)``, float32; std is zero where the posterior is a point.

        Raises:
            ValueError: as in ``reconstruct``.
        """
        mean, std = run_pass(self, EncodePass, self.check_array(images, labels))
        return mean, std

    def decode(self, latents: Any, labels: Any = None) -> np.ndarray:
        """Return the mean image of p(x given z).

        Args:
            latents: z, ``(batch, *latent_shape)``.
            labels: for a conditional model, as in ``reconstruct``.

        Returns:
            ``(batch, height, width, channels)``, float32 in [0, 1].

        Raises:
            ValueError: the latents have the wrong shape or are not finite, or the labels are not as described above.
        """
        return run_pass(self, DecodePass, self.check_inputs_of_decoder(latents, labels))[0]

    def _finite_means(self, images: Any) -> np.ndarray:
        """Return the posterior means of images; ``ValueError`` that names the weight if one is not finite."""
        mean = self.encode(images)[0]
        if not np.isfinite(mean).all():
            check_weights(self.encoder)
        return mean

    def check_data(self, data: Any, labels: Any = None, what: str = "images") -> Any:
        """Return what the model is trained on, evaluated on or applied to, checked: images or a stream of batches.

        Args:
            data: images, a ``zoo.Split`` or a stream.
            labels: of a conditional model.
            what: the name of the data in messages.

        Raises:
            ValueError: it is not what the model takes.
        """
        refuse_labels(labels)
        return check_data(data, self.image_shape, what)

    def check_array(self, images: Any, labels: Any = None) -> Any:
        """Return the images of an array or a ``zoo.Split``, or raise ``ValueError`` for anything else.

        A conditional model's have their labels with them.
        """
        array = self.check_data(images, labels)
        if not is_held(array):
            raise ValueError(
                f"images: got a stream ({type(images).__name__}); expected a split of a dataset or an array"
            )
        return array

    def check_inputs_of_decoder(self, latents: Any, labels: Any = None) -> Any:
        """Return what is decoded: z, as ``check_latents`` returns it; a conditional model's has its labels with it."""
        refuse_labels(labels)
        return self.check_latents(latents)

    def check_latents(self, latents: Any) -> np.ndarray:
        """Return z as float32, or raise ``ValueError`` unless it is finite, ``(batch, *latent_shape)``."""
        array = as_array(latents, "float32")
        if array.shape[1:] != self.latent_shape or not len(array):
            shown = f"(batch, {', '.join(map(str, self.latent_shape))})"
            raise ValueError(f"latents: got shape {array.shape}; expected {shown}")
        if not np.isfinite(array).all():
            raise ValueError("latents: got values that are NaN or infinite; expected finite ones")
        return array

    def sample(self, n: int, seed: int | None = None, labels: Any = None) -> np.ndarray:
        """Draw z from the prior and return the mean images.

        Args:
            n: the number of images.
            seed: makes the draw reproducible.
            labels: for a conditional model, ``(n,)``, or one for all.

        Returns:
            ``(n, height, width, channels)``, float32 in [0, 1].

        Raises:
            ValueError: ``n`` is not a whole number of at least 1, that many images do not fit into memory, or the
                labels are not those of ``decode``.
        """
        beside = () if labels is None else (labels,)
        return self.decode(self.draw_prior(self.check_number(n), np.random.default_rng(seed)), *beside)

    def check_number(self, n: int) -> int:
        """Return a number of samples, or raise ``ValueError`` as ``sample`` does."""
        if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1:
            raise ValueError(f"n is {n!r}: expected a whole number of at least 1")
        self._check_memory("n", int(n))
        return int(n)

    def _check_memory(self, name: str, number: int, times: int = 1) -> None:
        """Raise ``ValueError`` if that many latents and images do not fit into memory."""
        values = 4 * math.prod(self.latent_shape) + 2 * math.prod(self.image_shape)
        shortage = explain_shortage(4 * number * times * values)
        if shortage is not None:
            raise ValueError(f"{name} is {number:,}: the images need {shortage}: ask for fewer at a time")

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

    def interpolate(self, a: Any, b: Any, steps: int = 8, labels: Any = None) -> np.ndarray:
        """Interpolate between images on a straight line between their posterior means.

        Args:
            a: an image ``(height, width, channels)`` or a batch of them.
            b: the same shape as ``a``.
            steps: the number of images, including both ends; at least 2.
            labels: for a conditional model, ``(batch,)``, or one for all: what both ends are taken for, and all images
                between them.

        Returns:
            ``(steps, height, width, channels)``, with a leading batch axis if ``a`` has one; float32 in [0, 1].

        Raises:
            ValueError: ``steps`` is not a whole number of at least 2, the shapes differ, or the images do not fit into
                memory.
        """
        if not isinstance(steps, int | np.integer) or steps < 2:
            raise ValueError(f"steps is {steps!r}: expected a whole number of at least 2")
        first, last = as_array(a), as_array(b)
        single = first.ndim == 3
        if first.shape != last.shape:
            raise ValueError(f"a and b: got shapes {first.shape} and {last.shape}; expected equal ones")
        if single:
            first, last = first[None], last[None]
        self._check_memory("steps", int(steps), len(first))
        inputs, others = (self.check_array(it, labels) for it in (first, last))
        start, end = self._finite_means(inputs), self._finite_means(others)
        weight = np.linspace(0.0, 1.0, steps).reshape(1, steps, *(1,) * len(self.latent_shape))
        path = start[:, None] * (1 - weight) + end[:, None] * weight
        beside = (np.repeat(it, steps) for it in given_beside(inputs))
        images = self.decode(path.reshape(-1, *self.latent_shape), *beside)
        images = images.reshape(len(first), steps, *images.shape[1:])
        return images[0] if single else images
