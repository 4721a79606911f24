"""What one does with a trained model's latent space: encode, decode, sample, interpolate."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
import numpy as np

from zoo.autoencoder.tf_pipeline import stream
from zoo.data.checks import check_images
from zoo.typing import Tensor

BATCH = 128


class LatentSpace:
    """The part of ``AutoEncoder`` that gives NumPy arrays for NumPy arrays; everything here is deterministic."""

    posterior: ClassVar[str]
    encoder: keras.Model
    decoder: keras.Model
    likelihood: Any
    image_shape: tuple[int, int, int]
    latent_shape: tuple[int, ...]

    def reconstruct(self, images: Any) -> np.ndarray:
        """Return the mean image through the posterior mean.

        Args:
            images: ``(batch, height, width, channels)``, uint8 in 0..255 or float in [0, 1].

        Returns:
            ``(batch, height, width, channels)``, float32 in [0, 1].

        Raises:
            ValueError: images that are not as said above.
        """
        return self.decode(self.encode(images)[0])

    def encode(self, images: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of the posterior.

        Args:
            images: as in ``reconstruct``.

        Returns:
            ``(mean, std)``, each ``(batch, *latent_shape)``, float32; std is zero where the posterior is a point.

        Raises:
            ValueError: images that are not as said above.
        """
        array = check_images(images, self.image_shape)
        mean, std = predict_in_batches(traced(self, _Encode), array)
        return mean, std

    def decode(self, latents: Any) -> np.ndarray:
        """Return the mean image of p(x given z).

        Args:
            latents: z, ``(batch, *latent_shape)``.

        Returns:
            ``(batch, height, width, channels)``, float32 in [0, 1].

        Raises:
            ValueError: latents of another shape, or not finite.
        """
        images: np.ndarray = predict_in_batches(traced(self, _Decode), self.check_latents(latents))
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
        """Draw z from the prior and give the mean images.

        Args:
            n: how many.
            seed: makes the draw repeatable.

        Returns:
            ``(n, height, width, channels)``, float32 in [0, 1].
        """
        if not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"n is {n!r}: expected a whole number of at least 1")
        return self.decode(self.draw_prior(int(n), np.random.default_rng(seed)))

    def draw_prior(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Draw ``(n, *latent_shape)`` from the prior, here the unit Gaussian."""
        return generator.standard_normal((n, *self.latent_shape))

    def interpolate(self, a: Any, b: Any, steps: int = 8) -> np.ndarray:
        """Go from one image to another on a straight line between their posterior means.

        Args:
            a: an image ``(height, width, channels)`` or a batch of them.
            b: the same shape as ``a``.
            steps: images on the way, both ends included; at least 2.

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

    def prepare(self, images: Any) -> Tensor:
        """Return images as float32 in [0, 1], as the encoder gets them; see ``AutoEncoder``."""
        raise TypeError("an AutoEncoder defines prepare")


class _Encode(keras.Model):
    """Images as they are given to the posterior, in one compiled pass."""

    def __init__(self, model: Any) -> None:
        super().__init__(autocast=False, name="encode")
        self.model = model

    def call(self, images: Tensor) -> list[Tensor]:
        return list(self.model._posterior(self.model.prepare(images), training=False))


class _Decode(keras.Model):
    """z to the mean image, in one compiled pass."""

    def __init__(self, model: Any) -> None:
        super().__init__(autocast=False, name="decode")
        self.model = model

    def call(self, z: Tensor) -> Tensor:
        return self.model.likelihood.mean(self.model.decoder(z, training=False))


def traced(model: Any, kind: Any, *arguments: Any) -> Any:
    """Return ``kind(model, *arguments)``, cached while the model stays the same: tracing may take longer than the work.

    The model keeps them, past Keras' tracking, which would take them for its layers.

    Args:
        model: an ``AutoEncoder``.
        kind: a class of Keras models.
        *arguments: its further arguments.
    """
    parts = (model.encoder, model.decoder, model.likelihood, model.binarization)
    key = (kind, *arguments)
    kept = vars(model).setdefault("_traced", {})
    if key not in kept or any(old is not new for old, new in zip(kept[key][0], parts, strict=True)):
        kept[key] = parts, kind(model, *arguments)
    return kept[key][1]


def predict_in_batches(model: keras.Model, inputs: np.ndarray) -> Any:
    """Return ``model.predict`` of arrays; every batch but a lone short one is full, as each size is compiled anew."""
    count = len(inputs)
    if count <= BATCH:
        return model.predict_on_batch(inputs)  # A pipeline for one batch takes longer than most models.
    if count % BATCH:
        inputs = np.concatenate([inputs, np.repeat(inputs[-1:], -count % BATCH, axis=0)])
    if keras.backend.backend() == "tensorflow":
        outputs = model.predict(stream(inputs, BATCH), verbose=0)
    else:
        outputs = model.predict(inputs, batch_size=BATCH, verbose=0)
    return keras.tree.map_structure(lambda output: output[:count], outputs)
